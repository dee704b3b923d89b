"""What the downstream classifiers leave behind: their predictions on the real test images."""

from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.results import ResultFile

# `backbone` is the encoder's name, `scratch` or an image model; `method` is the arm, as
# `craft.evaluation.downstream.arms.Arm` names it, and `seed` that of the classifier; `probabilities` holds one number
# per label, in the order of the dataset's labels
COLUMNS = ("dataset", "backbone", "method", "seed", "image_id", "label", "predicted", "probabilities")


def check_probabilities(frame: pd.DataFrame, path: Path) -> None:
    """Raise a CraftError if the probabilities of an image do not sum to one.

    Args:
        frame: predictions of one dataset.
        path: its file, for messages.
    """
    if len({len(each) for each in frame["probabilities"]}) > 1:
        raise CraftError(
            f"{path} holds probabilities of different numbers of labels; run `snakemake --forcerun train_classifier`"
        )
    sums = np.array([np.sum(each) for each in frame["probabilities"]])
    bad = np.flatnonzero(~(np.abs(sums - 1) < 1e-3))
    if len(bad):
        first = frame.iloc[bad[0]]
        raise CraftError(
            f"{path}: the probabilities of image {first['image_id']} after training on {first['method']!r}, seed"
            f" {first['seed']}, sum to {sums[bad[0]]:.4g}, expected 1; run `snakemake --forcerun train_classifier`"
        )


# one row per backbone, arm, classifier seed and real test image
PREDICTIONS = ResultFile("downstream.parquet", "train_classifier", COLUMNS, check_probabilities, arms=True)
