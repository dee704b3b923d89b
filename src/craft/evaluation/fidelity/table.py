"""The fidelity table: means over seeds with intervals nested over them."""

import numpy as np
import pandas as pd

from craft.core.seeds import numpy_generator
from craft.evaluation.fidelity.results import FIDELITY
from craft.evaluation.results import Results
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Estimate, interval
from craft.evaluation.tables import ALL, Table, make_table, table_row


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
        names = (dataset, method, evaluator, metric)
        row = table_row(
            nest_seeds(seeds, run.scoring.confidence, *names),
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


def nest_seeds(seeds: pd.DataFrame, confidence: float, *names: str) -> Estimate:
    """Mean over seeds; every resample picks seeds with replacement, and of each one of its resamples at random.

    Args:
        seeds: one row per seed, with `value`, `n` and `resamples`, which are equally many in every row.
        confidence: share of the resamples between the ends of the interval.
        names: what is estimated; they seed the picks.
    """
    resamples = np.stack(seeds["resamples"].to_list())
    rng, shape = numpy_generator("fidelity seeds", *names), resamples.shape[::-1]
    picked = resamples[rng.integers(len(resamples), size=shape), rng.integers(shape[0], size=shape)].mean(axis=1)
    # the resamples of one seed need not be resampled again
    low, high = interval(picked if len(resamples) > 1 else resamples[0], confidence)
    return Estimate(float(seeds["value"].mean()), low, high, int(seeds["n"].sum()), len(seeds))


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return fidelity_table(results.read(FIDELITY), results.run)


TABLE = Table(make, "how like real test images the generated ones are in distribution, and how varied", (FIDELITY,))
