"""What every modality's computed biomarkers provide: measures of an image, made without any learned model."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from skimage.transform import resize

from craft.evaluation.biomarkers.results import FOUND


@dataclass(frozen=True)
class Measure:
    """One biomarker: what it is in words, its unit ("1" for shares and counts) and the published source of the sign."""

    meaning: str
    unit: str
    source: str


@dataclass(frozen=True)
class Findings:
    """What was measured on one image.

    Attributes:
        values: measure name -> value; NaN where the image does not show what the measure needs (no lesion, no lungs).
        found: names of the anatomical structures that the image shows.
        masks: name -> boolean array of the size at which the image was measured.
    """

    values: dict[str, float]
    found: frozenset[str] = frozenset()
    masks: dict[str, np.ndarray] = field(default_factory=dict)

    def overlays(self, height: int, width: int) -> dict[str, np.ndarray]:
        """The masks at the size of the image, boolean arrays of shape (height, width)."""
        return {name: resize(mask, (height, width), order=0) > 0 for name, mask in self.masks.items()}


@dataclass(frozen=True)
class Biomarkers:
    """The biomarkers of one modality.

    Attributes:
        modality: key of the modality, also the name of its knowledge file.
        measures: measure name -> what it is.
        structures: name of an anatomical structure that every image of the modality shows -> how it is recognised.
        measure: measures one uint8 image of shape (height, width, 3), of any size from 16 pixels up.
    """

    modality: str
    measures: dict[str, Measure]
    structures: dict[str, str]
    measure: Callable[[np.ndarray], Findings]

    @property
    def columns(self) -> list[str]:
        """Columns of a table of measures: every measure, then `found_<structure>` of every structure."""
        return [*self.measures, *(FOUND + name for name in self.structures)]
