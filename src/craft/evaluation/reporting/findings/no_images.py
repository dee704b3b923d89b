"""Validity: is what is no image of the modality refused, whatever label it claims?"""

import pandas as pd

from craft.evaluation.reporting.findings.base import Tables, estimate_of, rows_of
from craft.evaluation.reporting.traced import defined, value_in
from craft.evaluation.scoring.results import PLAIN_MEAN
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL
from craft.evaluation.validity import results

CAS = "cas"


def find_no_images(tables: Tables, run: Run) -> dict:
    """The shares of what is no image below a low quantile of real test images' scores.

    Returns:
        `goal`, the share that is enough; `quantile` of the real images (None where nothing was measured); and for all
        `evaluators`: evaluator, role, dataset, kind, value and interval of the least share under `cas` and under
        `plain_mean`, and datasets and `kinds` whose share under CAS is `short` of the goal.
    """
    rows = rows_of(tables["validity"], study="no_images", metric="refused")
    single = rows[rows["condition"] != ALL]
    evaluators = [
        {
            "evaluator": name,
            "role": role,
            **{score: least(rows_of(own, dimension=score)) for score in (CAS, PLAIN_MEAN)},
            "short": short_of_goal(rows_of(own, dimension=CAS)),
        }
        for (name, role), own in single.groupby(["evaluator", "role"], sort=False)
    ]
    quantile = None if rows.empty else value_in(rows.iloc[0], "level")
    return {
        "goal": defined(results.__name__, "ENOUGH_REFUSED", results.ENOUGH_REFUSED),
        "quantile": quantile,
        "evaluators": evaluators,
    }


def least(rows: pd.DataFrame) -> dict:
    """Where the least share was found, and the share with its interval."""
    row = rows.loc[rows["value"].idxmin()]
    return {"dataset": row["dataset"], "kind": row["condition"]} | estimate_of(row)


def short_of_goal(rows: pd.DataFrame) -> list[dict]:
    """Every dataset in which a kind is not refused often enough, with these kinds."""
    missed = rows[rows["value"] < results.ENOUGH_REFUSED]
    return [
        {"dataset": dataset, "kinds": list(own["condition"])} for dataset, own in missed.groupby("dataset", sort=False)
    ]
