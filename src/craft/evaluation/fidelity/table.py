"""The fidelity table: means over seeds with intervals nested over them."""

import numpy as np
import pandas as pd

from craft.core.seeds import numpy_generator
from craft.core.settings import TableSettings
from craft.evaluation.statistics.intervals import Estimate, interval
from craft.evaluation.tables import ALL, make_table, table_row


def fidelity_table(measured: pd.DataFrame, run: TableSettings) -> pd.DataFrame:
    """Fidelity of every method under every evaluator; the rows of `real` compare real training with real test images.

    Args:
        measured: as `craft.evaluation.results.read_fidelity` returns it.
        run: bootstrap settings.

    Returns:
        A frame with the columns of every table.
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
            source=f"{dataset}/fidelity.parquet",
        )
        rows.append(row)
    return make_table(rows)


def nest_seeds(seeds: pd.DataFrame, confidence: float, *names: str) -> Estimate:
    """Mean over seeds; a draw picks seeds with replacement, and a bootstrap draw of each at random."""
    draws = np.stack(seeds["draws"].to_list())
    rng, shape = numpy_generator("fidelity seeds", *names), draws.shape[::-1]
    picked = draws[rng.integers(len(draws), size=shape), rng.integers(shape[0], size=shape)].mean(axis=1)
    # one seed needs no second draw from its draws
    low, high = interval(picked if len(draws) > 1 else draws[0], confidence)
    return Estimate(float(seeds["value"].mean()), low, high, int(seeds["n"].sum()), len(seeds))
