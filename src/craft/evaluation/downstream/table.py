"""The downstream table: how well classifiers that were trained on real, synthetic and mixed images know real ones."""

import pandas as pd

from craft.evaluation.downstream.resampled import ResampledArms, resample_arms
from craft.evaluation.downstream.results import PREDICTIONS
from craft.evaluation.results import Results
from craft.evaluation.tables import ALL, Table, make_table, table_row


def downstream_table(resampled: list[ResampledArms]) -> pd.DataFrame:
    """The metrics of the classifiers of every training arm on the real test images.

    Args:
        resampled: arms of every dataset and backbone.

    Returns:
        A frame with the columns `craft.evaluation.tables.COLUMNS`; `method` is the arm, as
        `craft.evaluation.downstream.arms.Arm` names it, and `evaluator` the backbone.
    """
    rows = []
    for each in resampled:
        shared = {"dataset": each.dataset, "label": ALL, "evaluator": each.backbone, "role": "downstream"}
        shared |= {"source": f"{each.dataset}/{PREDICTIONS.name}"}
        rows += [table_row(number, method=arm, metric=metric, **shared) for arm, metric, number in each.estimates()]
    return make_table(rows)


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return downstream_table(resample_arms(results))


TABLE = Table(
    make,
    "how well classifiers trained on real, synthetic and mixed images tell the labels of real ones",
    (PREDICTIONS,),
)
