"""What the search for copies leaves behind: nearest seen images, and how near real images lie to generated ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.results import ResultFile

# ways of comparing an image with the real images that the run saw (`craft.evaluation.memorization.search`)
MEASURES = ("features", "l2", "ssim")
# those by which real images are compared with generated ones
MEMBERSHIP_MEASURES = ("features", "l2")

NEIGHBOUR_COLUMNS = (
    *("image_id", "dataset", "method", "seed", "label", "evaluator", "role"),
    *(f"{measure}_{what}" for measure in MEASURES for what in ("distance", "ratio", "neighbour", "split", "copied")),
    *("flagged", "twin", "mirrored", "down", "right"),
)
MEMBERSHIP_COLUMNS = (
    *("image_id", "dataset", "method", "seed", "label", "evaluator", "role", "split"),
    *(f"{measure}_distance" for measure in MEMBERSHIP_MEASURES),
)


def without_twins(real: pd.DataFrame) -> pd.DataFrame:
    """Real test images without those that have a twin among the images that the run saw; all, if all have one.

    Args:
        real: neighbours of the test images of one dataset, with the column `twin`.
    """
    fresh = real[~real["twin"].astype(bool)]
    return fresh if len(fresh) else real


def check_distances(frame: pd.DataFrame, path: Path) -> None:
    """Raise a CraftError if a distance is not finite.

    Args:
        frame: neighbours or membership of one dataset.
        path: its file, for messages.
    """
    distances = frame[[column for column in frame if column.endswith("_distance")]]
    bad = frame[~np.isfinite(distances).all(axis=1)]
    if len(bad):
        first = bad.iloc[0]
        raise CraftError(
            f"{path} holds a distance that is not finite: image {first['image_id']} of {first['method']}, seed"
            f" {first['seed']}; run `snakemake --forcerun find_neighbours`"
        )


# one row per image, real test images first
NEIGHBOURS = ResultFile("neighbours.parquet", "find_neighbours", NEIGHBOUR_COLUMNS, check_distances)
# one row per real training or test image and set of generated images
MEMBERSHIP = ResultFile("membership.parquet", "find_neighbours", MEMBERSHIP_COLUMNS, check_distances)
