"""The reward method beside its strongest baseline and the test images: what a reader looks at first."""

import pandas as pd

from craft.core.settings import REAL
from craft.evaluation.reporting.findings.base import (
    JUDGES,
    Tables,
    estimate_of,
    evaluators_of,
    our_method,
    row_of,
    strongest_baseline,
)
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

# what is shown: a table, its metric, and which value of it is best
SHOWN = (("cas", "cas", "highest"), ("tail", "tail_rate", "lowest"))


def find_headline(tables: Tables, run: Run) -> list[dict]:
    """Mean CAS and tail rate under the first evaluator of every role; empty without a reward method and a baseline.

    Returns:
        For every dataset, `metric` and `role`: the `evaluator`, the strongest baseline (`against`), and value and
        interval of the test images (`real`), of the `baseline`, and of the reward method (`ours`).
    """
    found = []
    for dataset in run.datasets if our_method(run) else []:
        for table, metric, best in SHOWN:
            for role in JUDGES:
                for evaluator in evaluators_of(tables, role)[:1]:
                    keys = {"dataset": dataset, "evaluator": evaluator, "metric": metric}
                    against = strongest_baseline(tables[table], run, best, **keys)
                    if against:
                        place = {"dataset": dataset, "metric": metric, "role": role, "evaluator": evaluator}
                        methods = {"real": REAL, "baseline": against, "ours": str(our_method(run))}
                        cells = {name: read(tables[table], method, keys) for name, method in methods.items()}
                        found.append(place | {"against": against} | cells)
    return found


def read(table: pd.DataFrame, method: str, keys: dict[str, str]) -> dict | None:
    """Value and interval of one method; None where there is none."""
    row = row_of(table, label=ALL, method=method, **keys)
    return None if row is None else estimate_of(row)
