"""The dimensions of the clinical alignment score by name, in the order of every column and table.

A dimension's module holds its class (`DIMENSION`, a `craft.reward.dimensions.base.Dimension`).
"""

from craft.core.registry import Registry

DIMENSIONS = Registry(
    "CAS dimension",
    "DIMENSION",
    {
        "alignment": "craft.reward.dimensions.alignment",
        "specificity": "craft.reward.dimensions.specificity",
        "checklist": "craft.reward.dimensions.checklist",
        "plausibility": "craft.reward.dimensions.plausibility",
    },
)
# those of them that multiply CAS instead of being averaged into it; an extension's class says so itself
GATES = ("plausibility",)
