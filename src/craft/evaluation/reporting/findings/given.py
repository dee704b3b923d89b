"""How do images that another program made stand beside real test images?"""

import pandas as pd

from craft.core.settings import REAL
from craft.datasets.given import READ
from craft.evaluation.downstream.arms import Arm
from craft.evaluation.reporting.findings.base import (
    Tables,
    estimate_of,
    evaluators_of,
    first_judge,
    row_of,
    rows_of,
    value_of,
)
from craft.evaluation.reporting.traced import Count
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

# what is shown: a table, and its metric under the first held-out evaluator, or under the first judge of the table
SHOWN = {
    "cas": ("cas", "cas"),
    "tail": ("tail", "tail_rate"),
    "satisfied": ("audit", "satisfied"),
    "found": ("anatomy", "found_all"),
    "recall": ("fidelity", "recall"),
    "copies": ("memorization", "copy_rate"),
}


def find_given(tables: Tables, run: Run) -> list[dict]:
    """What the tables say of every method whose images another program made; empty where there is none.

    Returns:
        For every such method and dataset: `method`, `dataset`; `read`, how many images were, and `left_out`, how many
        were not by reason; the `evaluator` of CAS, the first held-out one; each of `SHOWN` as a list of the method's
        value with its interval and that of the `real` images of the table (None where there is none); and `use`, what
        its images change in the macro-AUROC of the first classifier when they are added to real ones: difference with
        its interval, and whether it is `told` after Holm's correction.
    """
    return [describe(tables, run, method, dataset) for method in run.given for dataset in run.datasets]


def describe(tables: Tables, run: Run, method: str, dataset: str) -> dict:
    """What is found of the images of one method and dataset."""
    counted = rows_of(tables.get("given", pd.DataFrame(columns=["method", "dataset"])), method=method, dataset=dataset)
    groups = counted.groupby("kind", sort=False) if len(counted) else ()
    kinds = {kind: Count(rows["images"].sum(), rows.index) for kind, rows in groups}
    found = {name: beside_real(tables, run, place, method, dataset) for name, place in SHOWN.items()}
    return {
        "method": method,
        "dataset": dataset,
        "evaluator": next(iter(evaluators_of(tables, "held_out")), None),
        "read": kinds.pop(READ, Count(0)),
        "left_out": kinds,
        **found,
        "use": find_use(tables, run, method, dataset),
    }


def beside_real(tables: Tables, run: Run, place: tuple[str, str], method: str, dataset: str) -> dict | None:
    """A metric of a method with its interval, and its value for the method `real`; None where it was not measured."""
    name, metric = place
    table = tables[name]
    held_out = evaluators_of(tables, "held_out") if name in ("cas", "tail") else []
    judge = held_out[0] if held_out else first_judge(rows_of(table, metric=metric))
    keys = {"dataset": dataset, "label": ALL, "metric": metric, "evaluator": judge}
    row = row_of(table, method=method, **keys)
    return None if row is None else estimate_of(row) | {"real": value_of(table, method=REAL, **keys)}


def find_use(tables: Tables, run: Run, method: str, dataset: str) -> dict | None:
    """What the images change in the macro-AUROC when they are added to real ones; None where it was not tried."""
    table = tables["downstream_differences"]
    rows = rows_of(table, dataset=dataset, evaluator=first_judge(table), metric="macro_auroc", against=REAL)
    row = row_of(rows, method=Arm(real=True, method=method).name)
    if row is None:
        return None
    return estimate_of(row) | {"told": bool(row["p_holm"] < 1 - run.scoring.confidence)}
