"""Images that another program made, as the image table of a method: read as real images are, and kept as they are."""

import logging
from collections import Counter

import pandas as pd

from craft.core.errors import CraftError
from craft.datasets.prepare import MEND, Loaded, Quarantined, check_quarantine, load_images, quarantine_table
from craft.datasets.preprocess import TooSmall
from craft.datasets.readers.base import RawImage, Reading
from craft.datasets.settings import DatasetSettings, ReadJob

log = logging.getLogger(__name__)

# of every label: an interval needs two
FEWEST = 2
READ = "read"
ENLARGE = "give larger images, lower `resolution`, or write `enlarge: true` to judge small ones"


def read_given(job: ReadJob) -> tuple[list[dict], pd.DataFrame, pd.DataFrame]:
    """Read the images of one method that another program made, labels after each other.

    Neither splits nor repeats are looked for: images that occur twice are the generator's doing, and are judged.

    Returns:
        Rows for `craft.core.images.write_images`; the table of unusable files (columns file, label, kind, reason); and
        how many images there were of every `kind`, those that were read first (columns `COUNTS`).

    Raises:
        CraftError: if images are missing, a label has fewer than two, or too many cannot be used.
    """
    settings: DatasetSettings = job.images
    raw = Reading(settings.read())
    raw.tell(job.method)
    origin = f"given:{job.dataset}/{job.method}/seed{job.seed}"

    def describe(image: RawImage) -> dict[str, str]:
        return {"split": "generated", "origin": origin}

    loaded = load_images(raw, settings, job.resolution, describe, f"read {job.method}")
    unusable = [finding for finding in loaded if isinstance(finding, Quarantined)]
    whose = f"method {job.method!r}, dataset {job.dataset!r}"
    mend = ENLARGE if any(finding.kind == TooSmall.kind for finding in unusable) else MEND
    check_quarantine(unusable, len(raw), settings.max_quarantined, whose, mend)
    rows = [image.row for image in loaded if isinstance(image, Loaded)]
    rows.sort(key=lambda row: settings.labels.index(row["label"]))
    check_labels(rows, settings.labels, whose)
    quarantine = quarantine_table(unusable)
    log.info("%s: %d images, %d unusable", whose, len(rows), len(quarantine))
    numbered = [row | {"image_id": f"{index:06d}"} for index, row in enumerate(rows)]
    return numbered, quarantine, count_kinds(job, len(rows), raw, quarantine)


def check_labels(rows: list[dict], labels: list[str], whose: str) -> None:
    """Raise a CraftError that names the first label with too few images."""
    counts = Counter(row["label"] for row in rows)
    if few := [label for label in labels if counts[label] < FEWEST]:
        raise CraftError(
            f"{whose}: label {few[0]!r} has {counts[few[0]]} usable image{'s' * (counts[few[0]] != 1)}, and an interval"
            f" needs {FEWEST}; add images of it, or remove it from the dataset's `labels`"
        )


# one row for every kind of image: those that were read, and those left out by reason
COUNTS = ("dataset", "method", "seed", "kind", "images")


def count_kinds(job: ReadJob, read: int, raw: Reading, unusable: pd.DataFrame) -> pd.DataFrame:
    """How many images were read, and how many rows and files left out by the reader or as unusable, by kind."""
    counts = Counter({READ: read})
    for (reason, _), number in raw.left_out.items():
        counts[str(reason)] += number
    counts.update(unusable["kind"])
    rows = [(job.dataset, job.method, job.seed, kind, number) for kind, number in counts.items()]
    return pd.DataFrame(rows, columns=list(COUNTS))
