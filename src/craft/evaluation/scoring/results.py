"""What scoring leaves behind: one row per image and evaluator, for every image set."""

from pathlib import Path

import pandas as pd

from craft.core.errors import CraftError
from craft.core.settings import REAL
from craft.evaluation.results import ResultFile, set_file
from craft.reward.dimensions import DIMENSIONS

# evaluator and role under which the classifier of phantoms stands in every table
PHANTOM_CLASSIFIER = "phantom_classifier"
# the mean of the dimensions, which CAS would be without its gate
PLAIN_MEAN = "plain_mean"
NAME = "scores.parquet"


def score_columns() -> tuple[str, ...]:
    """Columns of a score table: what was scored, every dimension, CAS, their mean, whether the classifier agrees."""
    what = ("image_id", "dataset", "method", "seed", "label", "evaluator", "role")
    return (*what, *DIMENSIONS, "cas", PLAIN_MEAN, "agrees")


def check_scores(frame: pd.DataFrame, path: Path) -> None:
    """Raise a CraftError that names the first score that is no number in [0, 1]; the classifier has no dimensions."""
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


SCORES = ResultFile(NAME, "score_images", score_columns, check_scores, by_image_set=True)


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
