"""Whether a table of a run holds what its columns promise, and speaks of that run alone.

A column's name says what it holds, in all tables alike: text, whole numbers, flags, lists of numbers, or numbers. A
column of another name, which an extension may have, holds cells of one kind, whichever that is.
"""

from collections.abc import Collection, Iterable, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from craft.core.costs import MEMORY, SPENT
from craft.reward.dimensions import DIMENSIONS

if TYPE_CHECKING:
    from craft.evaluation.settings import Run

TEXTS = {
    *("image_id", "dataset", "method", "label", "evaluator", "role", "metric", "split", "backbone", "predicted"),
    *("item", "facet", "auditor", "answer", "study", "dimension", "condition", "over", "source", "kind"),
}
TEXT_ENDINGS = ("_neighbour", "_split")
WHOLES = {"seed", "n", "seeds", "step", "images"}
FLAGS, FLAG_ENDING = {"agrees", "twin", "mirrored"}, "_copied"
LISTS = {"resamples", "probabilities"}
NUMBERS = {"value", "low", "high", "natural", "level", "weight", "flagged", "cas", "plain_mean", *SPENT, MEMORY}
NUMBER_ENDINGS = ("_distance", "_ratio")
# evaluator and role under which the classifier of phantoms stands in every table
PHANTOM_CLASSIFIER = "phantom_classifier"
# and that under which Inception-v3 does
INCEPTION = "inception"
# what stands in the column `evaluator` beside evaluators and encoders
OTHER_JUDGES = (PHANTOM_CLASSIFIER, INCEPTION)


def find_wrong_cell(frame: pd.DataFrame, measures: Collection[str] = ()) -> str | None:
    """What is wrong with the first cell that is not of its column's kind; None where all are.

    A number may be NaN, a flag may be empty.

    Args:
        frame: a table.
        measures: columns of numbers, whatever they are called.
    """
    for name in frame.columns:
        kind, fits = ("a number", is_number) if name in measures else kind_of(name, frame[name].iloc[0])
        wrong = ~frame[name].map(fits).to_numpy(bool)
        if wrong.any():
            found = frame[name].iloc[int(np.flatnonzero(wrong)[0])]
            shown = repr(found) if isinstance(found, str) else str(found)
            return f"the column {name!r} holds {shown[:40]}, expected {kind}"
    return None


def kind_of(column: str, first: Any) -> tuple[str, Any]:
    """What a column holds, by its name or else its first cell, and a function that says whether a cell is such."""
    if column in TEXTS or column.endswith(TEXT_ENDINGS):
        return "text", is_text
    if column in WHOLES:
        return "a whole number", is_whole
    if column in FLAGS or column.endswith(FLAG_ENDING):
        return "yes or no", is_flag
    if column in LISTS:
        return "a list of numbers", is_list
    if column in NUMBERS or column in DIMENSIONS or column.endswith(NUMBER_ENDINGS) or is_number(first):
        return "a number", is_number
    kind = type(first)
    return f"{kind.__name__} as in its first row", lambda cell: isinstance(cell, kind)


def is_text(cell: Any) -> bool:
    """Whether a cell is text."""
    return isinstance(cell, str)


def is_whole(cell: Any) -> bool:
    """Whether a cell is a whole number."""
    return isinstance(cell, Integral) and not isinstance(cell, bool | np.bool_)


def is_number(cell: Any) -> bool:
    """Whether a cell is a number, NaN among them and infinity not."""
    return isinstance(cell, Real | np.bool_) and not np.isinf(cell)


def is_flag(cell: Any) -> bool:
    """Whether a cell is true, false or empty."""
    return cell is None or cell is pd.NA or (isinstance(cell, Real | np.bool_) and (cell != cell or cell in (0, 1)))


def is_list(cell: Any) -> bool:
    """Whether a cell is a list of finite numbers."""
    numbers = np.asarray(cell)
    return numbers.ndim == 1 and numbers.size > 0 and numbers.dtype.kind in "iuf" and bool(np.isfinite(numbers).all())


def find_repeated_row(frame: pd.DataFrame, key: Sequence[str]) -> str | None:
    """The first row whose key stands there twice; None where there is none."""
    repeated = frame[frame.duplicated(list(key))]
    if repeated.empty:
        return None
    first = ", ".join(f"{name} {repeated.iloc[0][name]}" for name in key)
    return f"{len(repeated)} rows stand there twice, the first that of {first}"


def find_stranger(frame: pd.DataFrame, run: "Run", dataset: str, methods: Iterable[str]) -> str | None:
    """The first dataset, label, method or evaluator that is not of the run; None where all are.

    Args:
        frame: a table of one dataset.
        run: what the run consists of.
        dataset: whose table it is.
        methods: that it may speak of.
    """
    known = {
        "dataset": {dataset},
        "method": set(methods),
        "label": set(run.datasets[dataset]),
        "predicted": set(run.datasets[dataset]),
        # a run that does not say which judges it has may have any
        "evaluator": {*(judge.name for judge in run.judges), *OTHER_JUDGES} if run.judges else set(),
    }
    for name, names in known.items():
        strangers = set(frame[name]) - names if name in frame.columns and names else set()
        if strangers:
            return f"the column {name!r} holds {min(strangers)!r}, which is not of this run"
    return None


def find_lacking_evaluator(frame: pd.DataFrame, run: "Run") -> str | None:
    """The first evaluator of the run that a table of scores lacks; None where it has all."""
    lacking = [
        judge.name for judge in run.judges if judge.kind == "evaluator" and judge.name not in set(frame["evaluator"])
    ]
    return f"it has no row of the evaluator {lacking[0]!r}" if lacking else None
