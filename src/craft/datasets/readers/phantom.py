"""Reader of phantoms: rendered when they are loaded, with known attributes."""

import json
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from craft.core.errors import CraftError
from craft.core.settings import Positive
from craft.datasets.phantoms.base import Modality, make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.datasets.readers.base import RawImage
from craft.datasets.settings import DatasetSettings


class PhantomDataset(DatasetSettings):
    """Phantoms, rendered on the spot."""

    more_images: ClassVar[str] = "raise `images_per_label`"

    reader: Literal["phantom"] = Field(description="phantoms, rendered on the spot")
    images_per_label: Positive = Field(500, description="how many phantoms of every label")
    seed: int = Field(0, description="of the phantoms; other seeds are other phantoms")
    show_images: bool = Field(True, exclude=True, description="whether the gallery shows phantoms of the dataset")

    @property
    def names_patients(self) -> bool:
        """See `DatasetSettings.names_patients`; there are none."""
        return False

    def read(self) -> list[RawImage]:
        """See `DatasetSettings.read`."""
        return read_phantoms(self)


def read_phantoms(settings: PhantomDataset) -> list[RawImage]:
    """`images_per_label` phantoms of every label; each is its own patient.

    Raises:
        CraftError: if there is no such modality or it has no such label.
    """
    modality = find_modality(settings.modality)
    if unknown := [label for label in settings.labels if label not in modality.labels]:
        raise CraftError(
            f"phantoms of modality {modality.name!r} have no label {unknown[0]!r};"
            f" write labels of {', '.join(modality.labels)}"
        )
    return [
        phantom(modality, label, settings.seed, index)
        for label in settings.labels
        for index in range(settings.images_per_label)
    ]


def phantom(modality: Modality, label: str, seed: int, index: int) -> RawImage:
    """Phantom number `index` of a label."""

    def load(size: int) -> tuple[np.ndarray, dict[str, str]]:
        made = make_phantom(modality, label, size, seed, index)
        attributes = json.dumps(made.attributes, sort_keys=True)
        return made.image, {"caption": made.caption, "coarse_caption": made.coarse_caption, "attributes": attributes}

    name = f"{modality.name}/{label}/{seed}/{index}"
    return RawImage(file=name, label=label, group=name, load=load)


READER = PhantomDataset
