"""Images that somebody wants scored: a folder, a parquet table, or a list in memory; decoded a few at a time."""

import io
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from craft.core.errors import CraftError
from craft.core.reading import reading
from craft.datasets.preprocess import UnreadableImage, decode, from_memory, read_file, to_square
from craft.datasets.readers.base import Reading, Reason
from craft.datasets.readers.image_folder import ImageFolderDataset, list_labelled
from craft.datasets.readers.image_table import MEND, load_cell, read_columns

log = logging.getLogger(__name__)

Loader = Callable[[], Image.Image]


@dataclass(frozen=True)
class ImageList:
    """Labelled images that are not decoded yet.

    Attributes:
        names: what the scores call them, n of them.
        labels: their labels.
        loaders: starts over and yields a loader for every image in turn; a loader raises `UnreadableImage`.
    """

    names: list[str]
    labels: list[str]
    loaders: Callable[[], Iterable[Loader]]

    def __post_init__(self):
        if not self.names:
            raise CraftError("there is no image to score; give a folder, a table or a list that holds some")


def open_images(
    images: Path | str | Sequence,
    labels: Sequence[str] | None,
    known: Sequence[str],
    rename: Mapping[str, str],
    label_column: str = "label",
    bit_depth: int | None = None,
) -> ImageList:
    """A list of labelled images.

    Args:
        images: a folder with `labels.csv` (columns `file` and the label's) or with one sub-folder for each label; a
            parquet table with a column `image` (bytes, or the `{bytes, path}` of Hugging Face `datasets`); or a
            sequence of paths, PIL images and arrays (h, w, 3) or (h, w).
        labels: of a sequence; None for a folder or a table, which have their own.
        known: labels that have a reference.
        rename: label of the images -> known label.
        label_column: in `labels.csv` or the table.
        bit_depth: significant bits of 16-bit grey values; None where every image says so itself.

    Raises:
        CraftError: if there is no image, no label, or a label without a reference.
    """
    if not isinstance(images, str | Path):
        found = open_sequence(images, labels, bit_depth)
    elif labels is not None:
        raise CraftError("a folder or table has its own labels; give `labels` for a list of images only")
    elif Path(images).is_dir():
        return open_folder(Path(images), known, rename, label_column, bit_depth)
    elif Path(images).is_file():
        found = open_table(Path(images), label_column, bit_depth)
    else:
        raise CraftError(f"there is no image folder or table {str(images)!r}; correct the path")
    named = [rename.get(label, label) for label in found.labels]
    refuse_unknown(named, known)
    return ImageList(found.names, named, found.loaders)


def open_sequence(images: Sequence, labels: Sequence[str] | None, bit_depth: int | None) -> ImageList:
    """Images in memory or paths of image files."""
    if labels is None or len(labels) != len(images):
        found = "no labels" if labels is None else f"{len(labels)} labels"
        raise CraftError(f"every image needs a label: there are {len(images)} images and {found}")
    names = [str(image) if isinstance(image, str | Path) else str(row) for row, image in enumerate(images)]
    return ImageList(names, list(labels), lambda: (partial(load_one, image, bit_depth) for image in images))


def load_one(image: Path | str | np.ndarray | Image.Image, bit_depth: int | None) -> Image.Image:
    """One image of a sequence as RGB."""
    if isinstance(image, str | Path):
        return load_file(Path(image), bit_depth)
    return from_memory(image, bit_depth)


def load_file(path: Path, bit_depth: int | None) -> Image.Image:
    """An image file as RGB."""
    return decode(read_file(path), bit_depth)


def open_folder(
    folder: Path, known: Sequence[str], rename: Mapping[str, str], label_column: str, bit_depth: int | None
) -> ImageList:
    """Image files of a folder, labelled by `labels.csv` or by the names of its sub-folders."""
    layout = ImageFolderDataset(
        reader="image_folder",
        modality="any",
        labels=list(known),
        label_names=dict(rename),
        path=str(folder),
        label_column=label_column,
    )
    listed = list_labelled(folder, layout, left_out := Reading(), complete=False)
    left_out.tell(folder.name)
    refuse_unknown([raw for reason, raw in left_out.left_out if reason is Reason.LABEL_NOT_CHOSEN], known)
    files = [file.path for file in listed]
    return ImageList(
        files, [file.label for file in listed], lambda: (partial(load_file, folder / file, bit_depth) for file in files)
    )


def refuse_unknown(labels: Iterable[str], known: Sequence[str]) -> None:
    """Raise a CraftError if there is a label without a reference."""
    if unknown := sorted(set(labels) - set(known)):
        raise CraftError(
            f"the images carry the label {unknown[0]!r}, which has no reference (known: {', '.join(known)});"
            f" correct it, or rename it with `--rename {unknown[0]}={known[0]}`"
        )


def open_table(path: Path, label_column: str, bit_depth: int | None) -> ImageList:
    """Images of a parquet table, whose bytes are read in small groups of rows."""
    texts = read_columns(path, label_column)
    tell_splits(path)
    return ImageList(list(texts["file"]), list(texts[label_column]), partial(stream_table, path, bit_depth))


def tell_splits(path: Path) -> None:
    """Log which splits a run's image table holds: only its test images are as new to the run as anyone's images are."""
    with reading(path, "a parquet table", MEND):
        known = "split" in pq.read_schema(path).names
        splits = pq.read_table(path, columns=["split"])["split"].to_pylist() if known else []
    if splits:
        counts = Counter(str(split) for split in splits if split)
        shown = ", ".join(f"{split} {count}" for split, count in counts.items())
        if shown:
            log.warning("%s: all its splits are scored (%s); the run's own numbers rest on test alone", path, shown)


def stream_table(path: Path, bit_depth: int | None, rows: int = 64) -> Iterator[Loader]:
    """A loader for every row of a parquet table."""
    with reading(path, "a parquet table", MEND), pq.ParquetFile(path) as file:
        for group in file.iter_batches(rows, columns=["image"]):
            for cell in group["image"].to_pylist():
                yield partial(load_cell, cell, path.parent, bit_depth)


def decode_ahead(
    images: ImageList, size: int, batch: int, threads: int
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[int, str]]]:
    """The images as squares of `size` pixels, decoded in threads while the batch before is being scored.

    Yields:
        Row numbers of a batch's readable images, their pixels (rows, size, size, 3) as uint8, and by row number why
        others cannot be read.
    """

    def load(loader: Loader) -> np.ndarray | str:
        try:
            return to_square(loader(), size)
        except UnreadableImage as error:
            return str(error)

    with ThreadPoolExecutor(threads) as pool:
        loaders, start, ahead = iter(images.loaders()), 0, deque()
        while True:
            while len(ahead) < 2 and (chunk := list(islice(loaders, batch))):
                ahead.append([pool.submit(load, loader) for loader in chunk])
            if not ahead:
                return
            loaded = [future.result() for future in ahead.popleft()]
            rows = [start + row for row, image in enumerate(loaded) if not isinstance(image, str)]
            bad = {start + row: reason for row, reason in enumerate(loaded) if isinstance(reason, str)}
            pixels = [image for image in loaded if not isinstance(image, str)]
            start += len(loaded)
            yield np.array(rows, int), np.stack(pixels) if pixels else np.empty((0, size, size, 3), np.uint8), bad


def image_side(data: bytes) -> int:
    """Side in pixels of an encoded square image, read from its header."""
    with Image.open(io.BytesIO(data)) as opened:
        return opened.width
