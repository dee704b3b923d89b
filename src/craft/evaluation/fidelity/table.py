"""The fidelity table: means over seeds, labels weighed alike in real and generated images."""

import numpy as np
import pandas as pd

from craft.evaluation.fidelity.results import FIDELITY
from craft.evaluation.results import Results
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Sampled
from craft.evaluation.tables import ALL, Table, make_table, table_row

# means over labels of shares of images
SHARES = ("precision", "recall", "coverage")


def fidelity_table(measured: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Fidelity of every method under every evaluator; the rows of `real` compare real training with real test images.

    Args:
        measured: of all datasets (`craft.evaluation.fidelity.results.FIDELITY`).
        run: bootstrap settings.

    Returns:
        A frame with the columns `craft.evaluation.tables.COLUMNS`.
    """
    keys = ["dataset", "method", "evaluator", "role", "metric"]
    rows = []
    for (dataset, method, evaluator, role, metric), seeds in measured.groupby(keys, sort=False):
        row = table_row(
            over_seeds(seeds).estimates(run.scoring.confidence, share=metric in SHARES)[0],
            dataset=dataset,
            label=ALL,
            method=method,
            evaluator=evaluator,
            role=role,
            metric=metric,
            source=f"{dataset}/{FIDELITY.name}",
        )
        rows.append(row)
    return make_table(rows)


def over_seeds(seeds: pd.DataFrame) -> Sampled:
    """A metric of every seed with its resamples, in which all seeds share the resamples of the real images.

    Args:
        seeds: one row per seed, with `value`, `natural`, `n` and `resamples`, which are equally many in every row.
    """
    values, natural = seeds["value"].to_numpy(float)[:, None], seeds["natural"].to_numpy(float)[:, None]
    resamples = np.stack(seeds["resamples"].to_list())[..., None]
    return Sampled(values.mean(axis=0), natural.mean(axis=0), values, resamples, int(seeds["n"].sum()))


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return fidelity_table(results.read(FIDELITY), results.run)


TABLE = Table(make, "how like real test images the generated ones are in distribution, and how varied", (FIDELITY,))
