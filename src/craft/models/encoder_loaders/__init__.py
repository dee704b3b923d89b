"""What reads the folder, hub id or package of a vision encoder, by name.

`LOADER(path, device, **hub) -> VisionEncoder`, where `hub` holds what is set of the keys `revision`, `variant` and
`local_files_only`.
"""

from craft.core.registry import Registry

ENCODER_LOADERS = Registry(
    "encoder loader",
    "LOADER",
    {
        "transformers": "craft.models.encoder_loaders.transformers",
        "imagenet": "craft.models.encoder_loaders.imagenet",
    },
)
