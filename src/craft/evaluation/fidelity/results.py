"""What `measure_fidelity` leaves behind: every distance between generated and real images, with its resamples."""

from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.results import ResultFile

# `value` weighs labels alike, `natural` every image, NaN where that has no meaning; `resamples` holds the bootstrap
# distribution of `value`, n is the number of generated images, of real ones for `OF_REAL`
COLUMNS = ("dataset", "method", "seed", "evaluator", "role", "metric", "value", "natural", "n", "resamples")

KEY = ("dataset", "method", "seed", "evaluator", "metric")


def check_values(frame: pd.DataFrame, path: Path) -> None:
    """Raise a CraftError if a value is not finite.

    Args:
        frame: fidelity of one dataset.
        path: its file, for messages.
    """
    bad = frame[~np.isfinite(frame["value"])]
    if len(bad):
        first = bad.iloc[0]
        raise CraftError(
            f"{path} holds a value that is not finite: {first['metric']} of {first['method']}, seed {first['seed']},"
            f" under {first['evaluator']!r}; run `snakemake --forcerun measure_fidelity`"
        )


# one row per image set, evaluator and metric; those of the method `real` compare real training with real test images
FIDELITY = ResultFile("fidelity.parquet", "measure_fidelity", COLUMNS, check_values, key=KEY)
