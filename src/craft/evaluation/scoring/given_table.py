"""The table of images that other programs made: how many were read, and how many were left out for which reason."""

import pandas as pd

from craft.datasets.given import COUNTS
from craft.evaluation.results import ResultFile, Results, set_file
from craft.evaluation.tables import Table

# one row for every kind of image (`craft.datasets.given`)
COUNTED = ResultFile("counts.parquet", "read_images", COUNTS, by_image_set=True, sets="given", key=("kind",))
COLUMNS = (*COUNTS, "source")


def make(results: Results) -> pd.DataFrame:
    """The table of a run, without rows where every method is sampled; columns `COLUMNS`."""
    frame = results.read(COUNTED).reindex(columns=list(COUNTS))
    places = zip(frame["dataset"], frame["method"], frame["seed"], strict=True)
    frame["source"] = [set_file(*place, COUNTED.name) for place in places]
    return frame


TABLE = Table(make, "images of other programs: how many were read, and left out by reason", (COUNTED,), COLUMNS)
