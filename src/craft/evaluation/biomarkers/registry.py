"""The biomarkers by modality; a module is imported when it is asked for."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.progress import track
from craft.evaluation.biomarkers.base import Biomarkers
from craft.evaluation.biomarkers.results import FOUND

MODALITIES = ("chest_xray", "dermoscopy", "fundus", "histopathology")


def find_biomarkers(modality: str) -> Biomarkers:
    """The biomarkers of a modality.

    Raises:
        CraftError: if there are none of that modality.
    """
    # plain import statements, so that the import closure of a script holds all of them
    match modality:
        case "chest_xray":
            from craft.evaluation.biomarkers.chest_xray import BIOMARKERS
        case "dermoscopy":
            from craft.evaluation.biomarkers.dermoscopy import BIOMARKERS
        case "fundus":
            from craft.evaluation.biomarkers.fundus import BIOMARKERS
        case "histopathology":
            from craft.evaluation.biomarkers.histopathology import BIOMARKERS
        case _:
            raise CraftError(f"no biomarkers are computed for modality {modality!r}, only for {', '.join(MODALITIES)}")
    return BIOMARKERS


def measure_images(
    modality: str, images: Iterable[np.ndarray], title: str = "measure", total: int | None = None
) -> pd.DataFrame:
    """Measures of images, one row per image in their order.

    A column for every measure (NaN where it cannot be told), and `found_<structure>`, 1 or 0, for every structure.

    Args:
        modality: key of the modality.
        images: uint8 arrays of shape (height, width, 3), which are taken one after another.
        title: of the progress bar.
        total: number of images, for the bar, where they have no length.

    Raises:
        CraftError: if the modality has no biomarkers.
    """
    biomarkers = find_biomarkers(modality)
    rows = []
    for image in track(images, title, total=total):
        findings = biomarkers.measure(image)
        rows.append(findings.values | {FOUND + name: name in findings.found for name in biomarkers.structures})
    return pd.DataFrame(rows, columns=biomarkers.columns, dtype=float)
