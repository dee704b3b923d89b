"""What `measure_biomarkers` leaves behind: the measures of every image, and the anatomical structures that it shows."""

from pathlib import Path

import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.results import ResultFile

# what stands before the name of a structure in its column
FOUND = "found_"
COLUMNS = ("image_id", "dataset", "method", "seed", "split", "label")
FOUND = "found_"  # before the name of a structure, the column that says whether an image shows it


def found_columns(frame: pd.DataFrame) -> list[str]:
    """Columns that say whether a structure was found."""
    return [name for name in frame.columns if name.startswith(FOUND)]


def measure_columns(frame: pd.DataFrame) -> list[str]:
    """Columns of the measures."""
    return [name for name in frame.columns if name not in COLUMNS and not name.startswith(FOUND)]


def check_found(frame: pd.DataFrame, path: Path) -> None:
    """Raise a CraftError that names the first structure of an image that is neither found nor not found.

    Args:
        frame: measures of one dataset.
        path: its file, for messages.
    """
    for column in found_columns(frame):
        bad = frame[~frame[column].isin([0, 1])]
        if len(bad):
            raise CraftError(
                f"{path}: {column} of image {bad.iloc[0]['image_id']} is {bad.iloc[0][column]}, expected 0 or 1;"
                " run `snakemake --forcerun measure_biomarkers`"
            )


# One row per image: the dataset's own ones are the method `real`. Further columns are those of the modality: a measure
# is NaN where it cannot be taken, `found_<structure>` is 1 or 0; a modality without biomarkers has none.
MEASURED = ResultFile("biomarkers.parquet", "measure_biomarkers", COLUMNS, check_found, further=True)
