"""From a configured dataset to image rows and a quarantine table."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.images import image_row
from craft.core.progress import track
from craft.core.spool import ImageSpool
from craft.datasets.preprocess import UnreadableImage
from craft.datasets.readers.base import RawImage, Reading, Reason
from craft.datasets.report import count_images, describe
from craft.datasets.settings import DatasetSettings
from craft.datasets.splits import assign_split, check_coverage, check_leakage
from craft.datasets.twins import SIDE, find_twins, join_twins, thumbnail

log = logging.getLogger(__name__)

TWIN_COLUMNS = ("image_id", "twin_id", "label", "twin_label", "split", "twin_split", "similarity")
FILE_COLUMNS = ["file", "image_id", "label", "split"]


@dataclass(frozen=True)
class Quarantined:
    """One file that is left out.

    Attributes:
        file: its name relative to the data root.
        label: its configured label.
        kind: `unreadable`, `too_small`, `contradictory` (same pixels under another label) or `repeat` (same pixels,
            same label).
        reason: completes the sentence 'the file ...'.
    """

    file: str
    label: str
    kind: Literal["unreadable", "too_small", "contradictory", "repeat"]
    reason: str


@dataclass(frozen=True)
class Loaded:
    """One decoded image, its row of the image table, and its thumbnail for the search of twins."""

    raw: RawImage
    row: dict
    thumbnail: np.ndarray


class Prepared(NamedTuple):
    """A prepared dataset.

    Attributes:
        rows: for `craft.core.images.write_images`.
        quarantine: files that are unusable, columns of `Quarantined`.
        left_out: how many rows and files were left out, columns `reason`, `value` (raw label, kind or folder), `count`.
        counts: images by label and split (`craft.datasets.report.count_images`).
        twins: pairs of images that are nearly the same, columns `TWIN_COLUMNS`.
        files: the file of every image, columns `FILE_COLUMNS`; for the owner of the data alone.
        report: all of it in words.
    """

    rows: list[dict]
    quarantine: pd.DataFrame
    left_out: pd.DataFrame
    counts: pd.DataFrame
    twins: pd.DataFrame
    files: pd.DataFrame
    report: str


def prepare(dataset: str, settings: DatasetSettings, resolution: int) -> Prepared:
    """Read, resize, split and check a dataset.

    Args:
        dataset: its name; pseudonyms depend on it.
        settings: its section of the configuration, which can read the images.
        resolution: side of the images in pixels.

    Raises:
        CraftError: if data are missing, a label or a split of a label has no image, or too many files are unusable.
    """
    raw = limit_labels(Reading(settings.read()), settings.max_per_label)
    raw.tell(dataset)
    describe_row = partial(describe_real, dataset=dataset, settings=settings)
    loaded = load_images(raw, settings, resolution, describe_row, f"prepare {dataset}")
    kept, duplicates = separate_duplicates([image for image in loaded if isinstance(image, Loaded)])
    quarantine = [finding for finding in loaded if isinstance(finding, Quarantined)] + duplicates
    check_quarantine(quarantine, len(raw), settings.max_quarantined, f"dataset {dataset!r}")
    twins = deal_splits(kept, settings)
    rows = [image.row for image in kept]
    frame = pd.DataFrame(rows, columns=["image", "image_id", "label", "patient_id", "split", "sha256"])
    check_coverage(frame, settings.labels, dataset, settings.more_images)
    check_leakage([frame])
    left_out = count_left_out(raw, quarantine)
    counts = count_images(frame, settings.labels, twins, settings.names_patients)
    report = describe(dataset, counts, left_out, twins, settings.names_patients)
    log.info("%s", report)
    return Prepared(
        rows,
        quarantine_table(quarantine),
        left_out,
        counts,
        twins,
        frame[["image_id", "label", "split"]].assign(file=[image.raw.file for image in kept])[FILE_COLUMNS],
        report,
    )


def quarantine_table(quarantine: list[Quarantined]) -> pd.DataFrame:
    """What is unusable, one row per file; columns file, label, kind, reason."""
    columns = list(Quarantined.__dataclass_fields__)
    return pd.DataFrame([asdict(finding) for finding in quarantine], columns=columns, dtype="str")


def deal_splits(kept: list[Loaded], settings: DatasetSettings) -> pd.DataFrame:
    """Give every row its split; returns the twins among the images, columns `TWIN_COLUMNS`."""
    thumbnails = np.stack([image.thumbnail for image in kept]) if kept else np.empty((0, SIDE, SIDE), np.uint8)
    found = find_twins(thumbnails, settings.twin_similarity)
    groups = [image.raw.group for image in kept]
    if settings.keep_twins_together:
        groups = join_twins(groups, zip(found["first"], found["second"], strict=True))
    for image, group in zip(kept, groups, strict=True):
        # by the raw id: two datasets that draw on the same patients agree on their splits
        image.row["split"] = assign_split(group, settings.splits, settings.split_seed)
    columns = {
        f"{prefix}{name.removeprefix('image_') if prefix else name}": [kept[row].row[name] for row in found[place]]
        for place, prefix in (("first", ""), ("second", "twin_"))
        for name in ("image_id", "label", "split")
    }
    return pd.DataFrame(columns | {"similarity": found["similarity"]})[list(TWIN_COLUMNS)]


def count_left_out(raw: Reading, quarantine: list[Quarantined]) -> pd.DataFrame:
    """What was left out by reason and raw value, the quarantined files among them; the most of each reason first."""
    counts = raw.left_out + Counter((finding.kind, finding.label) for finding in quarantine)
    rows = [(str(reason), value, count) for (reason, value), count in counts.items()]
    frame = pd.DataFrame(rows, columns=["reason", "value", "count"]).astype({"count": int})
    return frame.sort_values(["reason", "count", "value"], ascending=[True, False, True], ignore_index=True)


def pseudonym(dataset: str, group: str) -> str:
    """What stands for a raw patient id: 16 hexadecimal digits.

    The hash is not salted, so that a table can be made again; whoever knows all possible raw ids can undo it.
    """
    return sha256(f"{dataset}/{group}".encode()).hexdigest()[:16]


def limit_labels(raw: list[RawImage], limit: int | None) -> Reading:
    """At most `limit` images of each label, those whose patient has the smallest hash; the order is kept.

    The hash differs from that of the splits, so that no split is favoured. Patients are kept whole, save the last of
    each label.
    """
    if limit is None:
        return Reading(raw)
    places = defaultdict(list)
    for place, image in enumerate(raw):
        ranks = [sha256(f"limit/{name}".encode()).digest() for name in (image.group, image.file)]
        places[image.label].append((*ranks, place))
    kept = {place for ranked in places.values() for *_, place in sorted(ranked)[:limit]}
    limited = Reading(raw)
    limited[:] = [image for place, image in enumerate(raw) if place in kept]
    for label, ranked in places.items():
        if len(ranked) > limit:
            limited.leave_out(Reason.OVER_LIMIT, label, len(ranked) - limit)
    return limited


def load_images(
    raw: list[RawImage],
    settings: DatasetSettings,
    resolution: int,
    describe_row: Callable[[RawImage], dict[str, str]],
    title: str,
) -> list[Loaded | Quarantined]:
    """Image by image: what was read, or why it is unusable.

    Args:
        raw: what the reader yields.
        settings: of the reader.
        resolution: side of the images in pixels.
        describe_row: columns `split`, `origin` and further ones of an image.
        title: of the progress bar.
    """

    def load(image: RawImage) -> Loaded | Quarantined:
        try:
            pixels, texts = image.load(resolution)
        except UnreadableImage as error:
            return Quarantined(image.file, image.label, error.kind, str(error))
        row = image_row(pixels, label=image.label, **describe_row(image), **texts)
        return Loaded(image, row, thumbnail(pixels))

    spool, found = ImageSpool(), []
    with ThreadPoolExecutor(settings.threads) as pool:
        for each in track(pool.map(load, raw), title, total=len(raw)):
            if isinstance(each, Loaded):
                each.row["image"] = spool.keep(each.row["image"])
            found.append(each)
    return found


def describe_real(raw: RawImage, dataset: str, settings: DatasetSettings) -> dict[str, str]:
    """Origin and pseudonym of a real image, which has no split yet."""
    # neither file names nor paths: they may hold patient ids
    return {"split": "", "origin": f"{settings.reader}:{dataset}", "patient_id": pseudonym(dataset, raw.group)}


def separate_duplicates(readable: list[Loaded]) -> tuple[list[Loaded], list[Quarantined]]:
    """Images with unique pixels, and what was left out.

    Equal pixels under two labels are all left out. Of equal pixels under one label the first stays: merging the groups
    of its repeats instead would let a new image move old ones to another split. Pixels are compared at the run's
    resolution, which finds equal files and equal decoded pixels as well.
    """
    by_pixels = defaultdict(list)
    for image in readable:
        by_pixels[image.row["sha256"]].append(image)
    kept, left_out = [], []
    for members in by_pixels.values():
        first = members[0]
        if len({image.raw.label for image in members}) == 1:
            kept.append(first)
            left_out += [
                Quarantined(image.raw.file, image.raw.label, "repeat", f"has the pixels of {first.raw.file}")
                for image in members[1:]
            ]
            continue
        for image in members:
            other = next(other.raw for other in members if other.raw.label != image.raw.label)
            reason = f"has the pixels of {other.file}, which is labelled {other.label}"
            left_out.append(Quarantined(image.raw.file, image.raw.label, "contradictory", reason))
    return kept, left_out


MEND = "mend or remove such files"


def check_quarantine(quarantine: list[Quarantined], total: int, allowed: float, whose: str, mend: str = MEND) -> None:
    """Unusable and contradictory files are at most the allowed share of all; repeats do not count.

    Args:
        quarantine: what is left out.
        total: number of files.
        allowed: share of them that may be wrong.
        whose: files they are, for the message.
        mend: what to do about them, for the message.

    Raises:
        CraftError: if they are more.
    """
    wrong = [finding for finding in quarantine if finding.kind != "repeat"]
    if len(wrong) > allowed * total:
        raise CraftError(
            f"{whose}: {len(wrong)} of {total} files are unreadable, too small or contradictory, more than the share"
            f" `max_quarantined` = {allowed:g}; the first, {wrong[0].file}, {wrong[0].reason};"
            f" {mend}, or raise `max_quarantined`"
        )
