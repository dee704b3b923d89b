"""The families of small evaluators that a run can train from scratch, by name; each module holds a `FAMILY`."""

from craft.core.registry import Registry

FAMILIES = Registry(
    "evaluator family",
    "FAMILY",
    {
        "clip_resnet": "craft.models.families.clip_resnet",
        "clip_bit": "craft.models.families.clip_bit",
        "siglip_regnet": "craft.models.families.siglip_regnet",
        "lit_efficientnet": "craft.models.families.lit_efficientnet",
    },
)
