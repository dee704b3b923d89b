"""What reads the folder or hub id of an image-text evaluator, by name: `LOADER(path, device) -> ImageTextEvaluator`."""

from craft.core.registry import Registry

LOADERS = Registry(
    "evaluator loader",
    "LOADER",
    {"transformers": "craft.models.loaders.transformers", "locked": "craft.models.loaders.locked"},
)
