"""Reader of phantoms: rendered when they are loaded, with known truth."""

import json

import numpy as np

from craft.core.config.datasets import PhantomDataset
from craft.core.errors import CraftError
from craft.datasets.phantoms.base import Modality, make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.datasets.readers.base import RawImage


def read_phantoms(source: PhantomDataset) -> list[RawImage]:
    """`images_per_label` phantoms of every label; each is its own patient.

    Raises:
        CraftError: if there is no such modality or it has no such label.
    """
    modality = find_modality(source.modality)
    if unknown := [label for label in source.labels if label not in modality.labels]:
        raise CraftError(
            f"phantoms of modality {modality.name!r} have no label {unknown[0]!r};"
            f" write labels of {', '.join(modality.labels)}"
        )
    return [
        phantom(modality, label, source.seed, index)
        for label in source.labels
        for index in range(source.images_per_label)
    ]


def phantom(modality: Modality, label: str, seed: int, index: int) -> RawImage:
    """Phantom number `index` of a label."""

    def load(size: int) -> tuple[np.ndarray, dict[str, str]]:
        made = make_phantom(modality, label, size, seed, index)
        truth = json.dumps(made.truth, sort_keys=True)
        return made.image, {"caption": made.caption, "coarse_caption": made.coarse_caption, "truth": truth}

    name = f"{modality.name}/{label}/{seed}/{index}"
    return RawImage(file=name, label=label, group=name, load=load)
