"""Images that another program made, as the image table of a method: read as real images are, and kept as they are."""

import logging
from collections import Counter

import pandas as pd

from craft.core.errors import CraftError
from craft.datasets.prepare import MEND, Quarantined, check_quarantine, load_rows, quarantine_table
from craft.datasets.preprocess import TooSmall
from craft.datasets.readers.base import RawImage
from craft.datasets.settings import LabelledFiles, ReadJob

log = logging.getLogger(__name__)

# of every label: an interval needs two
FEWEST = 2
READ = "read"
ENLARGE = "give larger images, lower `resolution`, or write `enlarge: true` to judge small ones"


def read_given(job: ReadJob) -> tuple[list[dict], pd.DataFrame, pd.DataFrame]:
    """Read the images of one method that another program made, labels after each other.

    Neither splits nor repeats are looked for: images that occur twice are the generator's doing, and are judged.

    Returns:
        Rows for `craft.core.images.write_images`; the table of what is left out (columns file, label, kind, reason),
        images of labels that the dataset does not have among them; and how many images there were of every `kind`,
        those that were read first (columns `COUNTS`).

    Raises:
        CraftError: if images are missing, a label has fewer than two, or too many cannot be used.
    """
    settings: LabelledFiles = job.images
    raw = list(settings.read())
    origin = f"given:{job.dataset}/{job.method}/seed{job.seed}"

    def describe(image: RawImage) -> dict[str, str]:
        return {"split": "generated", "origin": origin}

    loaded = load_rows(raw, settings, job.resolution, describe, f"read {job.method}")
    unusable = [finding for finding in loaded if isinstance(finding, Quarantined)]
    whose = f"method {job.method!r}, dataset {job.dataset!r}"
    mend = ENLARGE if any(finding.kind == TooSmall.kind for finding in unusable) else MEND
    check_quarantine(unusable, len(raw), settings.max_quarantined, whose, mend)
    rows = [row for row in loaded if isinstance(row, dict)]
    rows.sort(key=lambda row: settings.labels.index(row["label"]))
    check_labels(rows, settings.labels, whose)
    left_out = quarantine_table(unusable + other_labels(settings))
    log.info("%s: %d images, %d left out", whose, len(rows), len(left_out))
    numbered = [row | {"image_id": f"{index:06d}"} for index, row in enumerate(rows)]
    return numbered, left_out, count_kinds(job, len(rows), left_out)


def other_labels(settings: LabelledFiles) -> list[Quarantined]:
    """The images whose label the dataset does not have."""
    entries = settings.entries()
    others = entries[entries["name"].isna()]
    return [
        Quarantined(file, label, "other_label", f"is labelled {label!r}, which is no label of the dataset")
        for file, label in zip(others["file"], others["label"], strict=True)
    ]


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


def count_kinds(job: ReadJob, read: int, left_out: pd.DataFrame) -> pd.DataFrame:
    """How many images were read and left out, by kind."""
    counts = {READ: read} | left_out["kind"].value_counts(sort=False).to_dict()
    rows = [(job.dataset, job.method, job.seed, kind, number) for kind, number in counts.items()]
    return pd.DataFrame(rows, columns=list(COUNTS))
