"""The image table: one parquet file of encoded images that pandas and Hugging Face `datasets` both read."""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from craft.core.errors import CraftError
from craft.core.files import atomic_path
from craft.core.reading import read_frame, reading

COLUMNS = (
    "image_id",
    "image",
    "label",
    "patient_id",
    "split",
    "sha256",
    "origin",
    "caption",
    "coarse_caption",
    "attributes",
)
# rows that are written together and can be read alone
GROUP = 256
# what to do about a damaged table
AGAIN = "delete it and run Snakemake again"
SPLITS = ("train", "reference", "held_out_reference", "calibration", "test", "generated")

SCHEMA = pa.schema(
    [pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))]
    + [pa.field(name, pa.string()) for name in COLUMNS if name != "image"]
)


def encode_png(image: np.ndarray) -> bytes:
    """PNG bytes of a uint8 image of shape (height, width, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def image_row(image: np.ndarray, *, label: str, split: str, origin: str, patient_id: str = "", **texts: str) -> dict:
    """One row of an image table; `image` is uint8 of shape (size, size, 3); `sha256` is that of the pixels."""
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    row = {name: "" for name in COLUMNS}
    row |= {"image_id": digest[:16], "image": {"bytes": encode_png(image), "path": None}, "sha256": digest}
    return row | {"label": label, "split": split, "origin": origin, "patient_id": patient_id} | texts


def write_images(path: Path, rows: Iterable[dict]) -> int:
    """Write an image table atomically, `GROUP` rows at a time, and return their number.

    `datasets` of Hugging Face decodes its `image` column on its own.
    """
    features = {name: {"dtype": "string", "_type": "Value"} for name in COLUMNS} | {"image": {"_type": "Image"}}
    metadata = {"huggingface": json.dumps({"info": {"features": {name: features[name] for name in SCHEMA.names}}})}
    schema, remaining, count = SCHEMA.with_metadata(metadata), iter(rows), 0
    with atomic_path(path) as staged, pq.ParquetWriter(staged, schema) as file:
        while group := list(islice(remaining, GROUP)):
            cells = [row | {"image": dict(row["image"])} for row in group]
            file.write_table(pa.Table.from_pylist(cells, schema=schema))
            count += len(group)
    return count


def read_images(path: Path, split: str | None = None) -> pd.DataFrame:
    """Read an image table, or one split of it, with its encoded images; the index is a fresh 0..n-1.

    Raises:
        CraftError: if the file is missing, is no image table, or the split is empty.
    """
    return read_columns(path, split, list(SCHEMA.names))


def read_texts(path: Path, split: str | None = None) -> pd.DataFrame:
    """As `read_images`, without the column of the images, which alone is large."""
    return read_columns(path, split, [name for name in SCHEMA.names if name != "image"])


def read_images_of(path: Path, split: str) -> pd.DataFrame:
    """As `read_images`, with the encoded images of one split; those of the others are None and take no memory."""
    frame, shown = read_texts(path), read_images(path, split)
    frame["image"] = None
    frame.loc[frame["split"] == split, "image"] = shown["image"].to_numpy()
    return frame


def read_columns(path: Path, split: str | None, columns: list[str]) -> pd.DataFrame:
    """Columns of an image table, or of one split of it; see `read_images`."""
    require_table(path)
    with reading(path, "a parquet table", AGAIN):
        check_columns(pq.read_schema(path).names, path)
    frame = read_frame(path, AGAIN, columns=columns, filters=[("split", "==", split)] if split else None)
    check_texts(frame, path)
    if frame.empty:
        raise no_image(path, split)
    return frame.reset_index(drop=True)


def stream_images(path: Path, split: str | None = None, batch: int = GROUP) -> Iterator[pd.DataFrame]:
    """The rows of an image table, or of one split of it, in frames of `batch` rows; the last holds what remains.

    Raises:
        CraftError: if the file is missing or is no image table.
    """
    require_table(path)
    with reading(path, "an image table", AGAIN):
        file = pq.ParquetFile(path)
    with file:
        check_columns(file.schema_arrow.names, path)
        batches, waiting = file.iter_batches(batch), pd.DataFrame()
        while (frame := next_frame(batches, path)) is not None:
            check_texts(frame, path)
            waiting = pd.concat([waiting, frame[frame["split"] == split] if split else frame], ignore_index=True)
            if len(waiting) >= batch:
                yield waiting.iloc[:batch]
                waiting = waiting.iloc[batch:].reset_index(drop=True)
        if len(waiting):
            yield waiting


def next_frame(batches: Iterator[pa.RecordBatch], path: Path) -> pd.DataFrame | None:
    """The next rows of an image table; None behind the last."""
    with reading(path, "an image table", AGAIN):
        rows = next(batches, None)
        return None if rows is None else rows.to_pandas()


def require_table(path: Path) -> None:
    """Raise a CraftError if the file is missing."""
    if not Path(path).is_file():
        raise CraftError(f"no image table {path}: run `snakemake {path}` first")


def check_columns(names: list[str], path: Path) -> None:
    """Raise a CraftError if the columns are not those of an image table."""
    if missing := [name for name in COLUMNS if name not in names]:
        raise CraftError(f"{path} is not an image table: the column {missing[0]!r} is missing")


def check_texts(frame: pd.DataFrame, path: Path) -> None:
    """Raise a CraftError if a column that is text in every image table holds anything else."""
    for name in frame.columns.intersection(COLUMNS):
        if name != "image" and not frame[name].map(lambda cell: isinstance(cell, str)).all():
            raise CraftError(f"{path}: the column {name!r} holds what is no text; {AGAIN}")


def stream_pixels(path: Path, split: str | None = None) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Rows of an image table, or of one split of it, with their pixels (`decode_images`), `GROUP` at a time.

    Raises:
        CraftError: if the file is missing or is no image table, an image cannot be decoded, or there is none.
    """
    found = False
    for frame in stream_images(path, split):
        found = True
        yield frame, decode_images(frame)
    if not found:
        raise no_image(path, split)


def no_image(path: Path, split: str | None) -> CraftError:
    """The error for an image table, or a split of it, without any image."""
    return CraftError(f"{path} has no image" + (f" of split {split!r}" if split else ""))


def decode_images(frame: pd.DataFrame) -> np.ndarray:
    """Pixels of all rows, uint8 of shape (n, size, size, 3).

    Raises:
        CraftError: if an image cannot be decoded, or is of another size than the others.
    """
    pixels: np.ndarray | None = None
    for row, image in enumerate(decode_each(frame)):
        pixels = np.empty((len(frame), *image.shape), np.uint8) if pixels is None else pixels
        if image.shape != pixels.shape[1:]:
            name = list(frame.get("image_id", frame.index))[row]
            raise CraftError(f"the image {name!r} of an image table is of another size than the others; make it again")
        pixels[row] = image
    if pixels is None:
        raise ValueError("there is no image to decode")
    return pixels


def decode_each(frame: pd.DataFrame) -> Iterator[np.ndarray]:
    """Pixels of the rows one after another, uint8 of shape (height, width, 3); raises as `decode_cell` does."""
    names = frame.get("image_id", frame.index)
    return (decode_cell(cell, name) for cell, name in zip(frame["image"], names, strict=True))


def decode_cell(cell: dict, name: str | int) -> np.ndarray:
    """Pixels of one cell, uint8 of shape (height, width, 3).

    Args:
        cell: of the column `image`.
        name: what messages call it.

    Raises:
        CraftError: if it holds no image.
    """
    data = cell.get("bytes") if isinstance(cell, dict) else None
    if not isinstance(data, bytes):
        raise CraftError(f"the image {name!r} of an image table has no bytes; make the table again")
    with reading(f"the image {name!r} of an image table", "PNG", "make the table again"):
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def to_tensor(images: np.ndarray):
    """uint8 images (n, h, w, 3) as a float32 tensor (n, 3, h, w) in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255.0


def from_tensor(images) -> np.ndarray:
    """A tensor (n, 3, h, w) in [0, 1] as uint8 images (n, h, w, 3)."""
    return (images.detach().clamp(0, 1) * 255.0 + 0.5).to("cpu").byte().permute(0, 2, 3, 1).numpy()
