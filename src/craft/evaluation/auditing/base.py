"""What every auditor provides: an answer to each checklist item of an image's intended label."""

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import pandas as pd

YES, NO, UNKNOWN = "yes", "no", "cannot tell"
VERDICTS = (YES, NO, UNKNOWN)
CRITERIA_COLUMNS = (
    "auditor",
    "label",
    "item",
    "facet",
    "biomarker",
    "threshold",
    "accuracy",
    "present_images",
    "absent_images",
    "reason",
)


class Auditor(Protocol):
    """Judges images by checklists.

    Attributes:
        name: key of the auditor in the configuration.
        limit: how many images per method and seed it judges at most; None for all of them.
        sees: what it is shown of an image.
    """

    name: str
    limit: int | None
    sees: Literal["pixels", "measures"]

    def judge(self, images: Sequence[np.ndarray] | pd.DataFrame, labels: Sequence[str]) -> list[list[str]]:
        """One list per image: an answer of `VERDICTS` to every checklist item of its label, in the checklist's order.

        Args:
            images: pixels, uint8 arrays of shape (height, width, 3), or measures, one row per image.
            labels: the intended label of every image.
        """
        ...

    def describe(self) -> pd.DataFrame:
        """How every item is judged, columns `CRITERIA_COLUMNS`; `reason` says why an item cannot be told."""
        ...
