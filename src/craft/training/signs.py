"""The table of signs: which checklist statements are true of which image, as the training of evaluators reads it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.reading import read_frame
from craft.core.rows import find_rows

COLUMNS = ("image_id", "item", "answer")
YES, NO, UNKNOWN = "yes", "no", "unknown"
TRUTH = {YES: 1, NO: -1, UNKNOWN: 0}
RULE = "find_signs"


def tabulate_signs(ids: Sequence[str], items: Sequence[str], answers: np.ndarray) -> pd.DataFrame:
    """One row per image and item, columns `COLUMNS`.

    Args:
        ids: of the images, n of them.
        items: `present` statements, m of them.
        answers: of `YES`, `NO` and `UNKNOWN`, shape (n, m).
    """
    columns = (
        np.repeat(np.array(ids, object), len(items)),
        np.tile(np.array(items, object), len(ids)),
        answers.ravel(),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def read_signs(path: Path, ids: Sequence[str], items: Sequence[str]) -> np.ndarray:
    """What is true of some images.

    Args:
        path: of a table of signs.
        ids: of the images, n of them.
        items: `present` statements, m of them; one may be named twice.

    Returns:
        int8, shape (n, m): 1 where a statement is true, -1 where its contradiction is, 0 where neither is known.

    Raises:
        CraftError: if the file is missing, is no such table, or lacks an image or an item.
    """
    if not Path(path).is_file():
        raise CraftError(f"no table {path}: run `snakemake {path}` first")
    frame = read_frame(path, f"run `snakemake --forcerun {RULE}`")
    if missing := [name for name in COLUMNS if name not in frame.columns]:
        raise CraftError(f"{path} is no table of signs: the column {missing[0]!r} is missing")
    if wrong := sorted(set(frame["answer"]) - set(TRUTH)):
        raise CraftError(
            f"{path} holds the answer {wrong[0]!r}, expected {', '.join(TRUTH)}; run `snakemake --forcerun {RULE}`"
        )
    truth = frame.assign(answer=frame["answer"].map(TRUTH)).pivot(index="image_id", columns="item", values="answer")
    if unasked := [item for item in items if item not in truth.columns]:
        raise CraftError(
            f"{path} says nothing of the item {unasked[0]!r}: it was made for another checklist; run"
            f" `snakemake --forcerun {RULE}`"
        )
    return truth[list(items)].to_numpy(np.int8)[find_rows(list(truth.index), ids, path, RULE)]
