"""What the audit leaves behind: every auditor's answer to every checklist item of the audited images."""

from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.auditing.base import NO, UNKNOWN, VERDICTS, YES
from craft.evaluation.results import ResultFile

COLUMNS = ("image_id", "dataset", "method", "seed", "label", "item", "facet", "weight", "auditor", "answer")


def check_answers(frame: pd.DataFrame, path: Path) -> None:
    """Raise a CraftError if an answer is unknown, or a label's images were not asked the same items in one order.

    Args:
        frame: audit of one dataset.
        path: its file, for messages.
    """
    wrong = frame[~frame["answer"].isin(VERDICTS)]
    if len(wrong):
        raise CraftError(
            f"{path}: the answer to image {wrong.iloc[0]['image_id']} is {wrong.iloc[0]['answer']!r}, expected"
            f" {YES!r}, {NO!r} or {UNKNOWN!r}; run `snakemake --forcerun audit_checklist`"
        )
    # every auditor by itself: one that answered for a part of the images' checklists would shift all behind it
    for (label, _), rows in frame.groupby(["label", "auditor"], sort=False):
        asked, items = rows["item"].to_numpy(object), frame.loc[frame["label"] == label, "item"].nunique()
        if len(asked) % items or (asked != np.resize(asked[:items], len(asked))).any():
            raise CraftError(
                f"{path}: the images of label {label!r} do not all have the same checklist;"
                " run `snakemake --forcerun audit_checklist`"
            )


# one row per image, item and auditor, images in the order of their tables
ANSWERS = ResultFile("audit.parquet", "audit_checklist", COLUMNS, check_answers)
