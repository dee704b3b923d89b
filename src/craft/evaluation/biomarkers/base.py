"""What every modality's computed biomarkers provide: measures of an image, made without any learned model."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


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
        masks: structure name -> boolean array of the image's height and width, for overlays.
    """

    values: dict[str, float]
    masks: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Biomarkers:
    """The biomarkers of one modality.

    Attributes:
        modality: key of the modality, also the name of its knowledge file.
        measures: measure name -> what it is.
        measure: measures one uint8 image of shape (height, width, 3), of any size from 16 pixels up.
    """

    modality: str
    measures: dict[str, Measure]
    measure: Callable[[np.ndarray], Findings]
