"""The biomarkers of a dataset's own images and of its generated ones, measured once for all that reads them."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from craft.core.errors import CraftError
from craft.core.images import decode_each, read_images
from craft.core.settings import REAL, ImageSet, match_files
from craft.evaluation.biomarkers.registry import MODALITIES, measure_images
from craft.evaluation.biomarkers.results import COLUMNS, measure_columns
from craft.evaluation.biomarkers.settings import MeasureJob

log = logging.getLogger(__name__)


def measure_dataset(job: MeasureJob, images: Path, generated: list[Path]) -> pd.DataFrame:
    """Measures of the calibration and test images, of as many training images as test images, and of every method's.

    Args:
        job: dataset, modality, and whose generated images are measured.
        images: image table of the dataset.
        generated: image tables of the generated images, in the order of `job.generated`.

    Returns:
        One row per image, columns as `craft.evaluation.biomarkers.results.MEASURED` says.

    Raises:
        CraftError: if a table is missing or there is not one for every image set.
    """
    known = job.modality in MODALITIES
    if not known:
        log.warning("no biomarkers are computed for modality %r, so its images are not measured", job.modality)
    tables = []
    for image_set, frame in image_tables(job, images, generated):
        rows = frame.assign(dataset=job.dataset, method=image_set.method, seed=image_set.seed)[list(COLUMNS)]
        if known:
            title = f"{image_set.method}, seed {image_set.seed}"
            measures = measure_images(job.modality, decode_each(frame), title, len(frame))
            rows = pd.concat([rows, measures], axis=1)
        tables.append(rows)
    return pd.concat(tables, ignore_index=True)


def image_tables(job: MeasureJob, images: Path, generated: list[Path]) -> Iterator[tuple[ImageSet, pd.DataFrame]]:
    """Whose images, and the rows of the image tables that are measured."""
    files = match_files(job.generated, generated, "--generated")
    test = read_images(images, "test")
    wanted = test["label"].value_counts()
    train = read_images(images, "train")
    train = train[train.groupby("label").cumcount() < train["label"].map(wanted).fillna(0)]
    real = pd.concat([train, read_images(images, "calibration"), test], ignore_index=True)
    yield ImageSet(method=REAL, seed=0), real
    for image_set, path in files:
        frame = read_images(path)
        limit = job.measured_per_method
        yield image_set, frame if limit is None else limit_images(frame, limit)


def limit_images(frame: pd.DataFrame, limit: int) -> pd.DataFrame:
    """The first rows of every label, as many of each, at most `limit` in all but at least one of each."""
    each = max(1, limit // frame["label"].nunique())
    return frame[frame.groupby("label").cumcount() < each].reset_index(drop=True)


def pick_measures(measured: pd.DataFrame, image_set: ImageSet, images: pd.Series) -> pd.DataFrame:
    """Measures of some images of one image set, one row per image in their order.

    Args:
        measured: of one dataset (`craft.evaluation.biomarkers.results.MEASURED`).
        image_set: whose images.
        images: their image_id.

    Raises:
        CraftError: if one of them was not measured.
    """
    own = measured[(measured["method"] == image_set.method) & (measured["seed"] == image_set.seed)]
    rows = own.drop_duplicates("image_id").set_index("image_id")[measure_columns(measured)]
    missing = images[~images.isin(rows.index)]
    if len(missing):
        raise CraftError(
            f"image {missing.iloc[0]} of {image_set.method}, seed {image_set.seed}, was not measured; run"
            " `snakemake --forcerun measure_biomarkers`"
        )
    return rows.loc[images].reset_index(drop=True)
