"""What reads the folder or hub id of an image-text evaluator, by name.

`LOADER(path, device, **hub) -> ImageTextEvaluator`, where `hub` holds what is set of the keys `revision`, `variant` and
`local_files_only`.
"""

from craft.core.registry import Registry

LOADERS = Registry(
    "evaluator loader",
    "LOADER",
    {
        "transformers": "craft.models.loaders.transformers",
        "open_clip": "craft.models.loaders.open_clip",
        "locked": "craft.models.loaders.locked",
    },
)
