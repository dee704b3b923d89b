"""The dataset readers by name. A reader's module holds its settings (`READER`), which can read the images."""

from craft.core.registry import Registry

READERS = Registry(
    "dataset reader",
    "READER",
    {
        "phantom": "craft.datasets.readers.phantom",
        "image_folder": "craft.datasets.readers.image_folder",
        "image_table": "craft.datasets.readers.image_table",
        "medmnist": "craft.datasets.readers.medmnist",
    },
)
