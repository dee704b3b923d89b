"""What scoring leaves behind: one row per image and evaluator, for every image set."""

from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.settings import REAL
from craft.evaluation.consistency import PHANTOM_CLASSIFIER
from craft.evaluation.results import ResultFile, set_file
from craft.reward.combination import combine, plain_mean
from craft.reward.dimensions import DIMENSIONS

# the mean of the dimensions, which CAS would be without its gate
PLAIN_MEAN = "plain_mean"
NAME = "scores.parquet"
# between what was computed in single precision and what is computed again in double
ROUNDING = 1e-4


def score_columns() -> tuple[str, ...]:
    """Columns of a score table: what was scored, every dimension, CAS, their mean, whether the classifier agrees."""
    what = ("image_id", "dataset", "method", "seed", "label", "evaluator", "role")
    return (*what, *DIMENSIONS, "cas", PLAIN_MEAN, "agrees")


def check_scores(frame: pd.DataFrame, path: Path) -> None:
    """Refuse scores that cannot be; the classifier of phantoms has no dimensions.

    Raises:
        CraftError: if a score is no number in [0, 1], CAS or the plain mean does not follow from the dimensions, or the
            evaluators did not score the same images with the same labels.
    """
    judged = frame["role"] != PHANTOM_CLASSIFIER
    for column, rows in {"cas": frame, **{name: frame[judged] for name in DIMENSIONS}}.items():
        bad = rows[~rows[column].between(0, 1)]
        if len(bad):
            first = bad.iloc[0]
            raise CraftError(
                f"{path}: the {column} of image {first['image_id']} under evaluator {first['evaluator']!r} is"
                f" {first[column]}, expected a number in [0, 1]; run `snakemake --forcerun calibrate_cas` and"
                " see its log if that does not help"
            )
    dimensions = frame.loc[judged, list(DIMENSIONS)].to_numpy(float)
    for column, follows in (("cas", combine(dimensions)), (PLAIN_MEAN, plain_mean(dimensions))):
        off = np.flatnonzero(~(np.abs(frame.loc[judged, column].to_numpy(float) - follows) <= ROUNDING))
        if len(off):
            first = frame[judged].iloc[off[0]]
            raise CraftError(
                f"{path}: the {column} of image {first['image_id']} under evaluator {first['evaluator']!r} is"
                f" {first[column]:.6g}, which does not follow from its dimensions ({follows[off[0]]:.6g});"
                " run `snakemake --forcerun score_images`"
            )
    shown = {
        name: frozenset(zip(rated["image_id"], rated["label"], strict=True))
        for name, rated in frame.groupby("evaluator")
    }
    if len(set(shown.values())) > 1:
        raise CraftError(
            f"{path}: evaluators scored different numbers of images, or under other labels;"
            " run `snakemake --forcerun score_images`"
        )


SCORES = ResultFile(NAME, "score_images", score_columns, check_scores, by_image_set=True, every_evaluator=True)


def scores_source(dataset: str, method: str) -> str:
    """The score files of a method, below the results folder."""
    return set_file(dataset, method, "*", NAME)


def require_real(scores: pd.DataFrame, dataset: str, evaluator: str) -> pd.DataFrame:
    """Rows of the real test images under an evaluator.

    Raises:
        CraftError: if there are none, so that there is no threshold.
    """
    real = scores[(scores["method"] == REAL) & (scores["evaluator"] == evaluator)]
    if real.empty:
        raise CraftError(
            f"{scores_source(dataset, REAL)} has no row of evaluator {evaluator!r}, so there is no tail threshold;"
            " run `snakemake --forcerun score_images`"
        )
    return real
