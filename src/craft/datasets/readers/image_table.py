"""Reader of a parquet table of images, as `datasets` of Hugging Face and this pipeline itself write them."""

from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image
from pydantic import Field

from craft.core.errors import CraftError
from craft.core.reading import reading
from craft.core.settings import PathText, Positive
from craft.datasets.labels import LabelNaming, source_of_labels
from craft.datasets.preprocess import UnreadableImage, decode, read_file, to_square
from craft.datasets.readers.base import RawImage, Reading, Reason, display_name, locate, missing_data
from craft.datasets.readers.image_folder import refuse
from craft.datasets.rows import leave_out_all
from craft.datasets.settings import DatasetSettings, LabelNames

IMAGE = "image"
MEND = "give a folder of images or a parquet table"
# columns that can name an image, the first that there is
NAMES = ("file", "image_id")


class ImageTableDataset(DatasetSettings):
    """A parquet table with encoded images, or the paths of their files, in its column `image`."""

    # decoding releases the interpreter lock
    threads: ClassVar[int] = 2

    reader: Literal["image_table"] = Field(description="a parquet table with a column `image` of encoded images")
    path: PathText = Field(
        description="parquet file, absolute or below $CRAFT_DATA (default data/raw)", examples=["my_images.parquet"]
    )
    label_column: str = Field("label", description="column that holds the label")
    label_names: LabelNames = Field({}, description="renames raw labels, for example {'0': grade_0}")
    group_column: str | None = Field(
        None, description="column that holds the patient or lesion id; null: every image is its own group"
    )
    min_side: Positive | None = Field(
        None, description="images with a shorter side, in pixels, are left out; null: they are enlarged"
    )
    bit_depth: int | None = Field(
        None, ge=8, le=16, description="significant bits of 16-bit grey values; null where every image says so itself"
    )

    @property
    def names_patients(self) -> bool:
        """See `DatasetSettings.names_patients`."""
        return bool(self.group_column)

    def read(self) -> Reading:
        """See `DatasetSettings.read`."""
        return read_image_table(self)

    def watched_files(self) -> list[Path]:
        """The table, where it is there."""
        return [locate(self.path)] if locate(self.path).is_file() else []


def read_image_table(settings: ImageTableDataset) -> Reading:
    """Labelled images in the order of the table, each named by its column `file` or `image_id`, or by its row.

    Raises:
        CraftError: if the table or a column is missing, or a configured label never occurs.
    """
    path, column, group_column = locate(settings.path), settings.label_column, settings.group_column
    if not path.is_file():
        raise missing_data(path, "image table")
    table = read_columns(path, column, *([group_column] if group_column else []))
    where, naming = display_name(path), LabelNaming(settings.label_names, settings.labels)
    source = source_of_labels(column, table[column], table[group_column]) if group_column else column
    naming.require_all(table[column], where, source)
    cells, reading, left_out = Cells(path), Reading(), Counter()
    groups = table[group_column or "file"]
    for row, (file, raw, group) in enumerate(zip(table["file"], table[column], groups, strict=True)):
        if label := naming.chosen(raw) if raw else None:
            load = partial(cells.load, row, settings) if group else partial(refuse, "has no group id in the table")
            reading.append(RawImage(file=f"{where}:{file}", label=label, group=group, load=load))
        else:
            left_out[Reason.LABEL_NOT_CHOSEN if raw else Reason.NO_LABEL, raw] += 1
    leave_out_all(left_out, reading, source)
    return reading


class Cells:
    """The images of a table by row, of which one group of rows at a time is held in memory."""

    def __init__(self, path: Path):
        self.path, self.lock = path, Lock()
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.group, self.cells = -1, []

    def load(self, row: int, settings: ImageTableDataset, size: int) -> tuple[np.ndarray, dict[str, str]]:
        """Decode the image of a row to `size` pixels."""
        image = load_cell(self.cell(row), self.path.parent, settings.bit_depth)
        return to_square(image, size, settings.min_side), {}

    def cell(self, row: int) -> dict | bytes | None:
        """What the column holds there."""
        group = int(np.searchsorted(self.starts, row, side="right")) - 1
        with self.lock:
            if group != self.group:
                # of a group that cannot be read every image is unreadable, and it is not tried again for each
                self.group, self.cells = group, None
                with suppress(Exception), pq.ParquetFile(self.path) as file:
                    self.cells = file.read_row_group(group, columns=[IMAGE])[IMAGE].to_pylist()
            if self.cells is None:
                raise UnreadableImage("lies in a damaged part of the table")
            return self.cells[row - self.starts[group]]


def read_columns(path: Path, label_column: str, *others: str) -> pd.DataFrame:
    """Columns of a table as text, without its images; empty cells are '', and `file` names the image.

    Raises:
        CraftError: if it is no parquet table, or lacks a column or the images.
    """
    with reading(path, "a parquet table", MEND), pq.ParquetFile(path) as file:
        columns, wanted = file.schema_arrow.names, list(dict.fromkeys([label_column, *others]))
        if lacking := [name for name in (IMAGE, *wanted) if name not in columns]:
            raise CraftError(f"{path} has no column {lacking[0]!r}, only {', '.join(columns)}; rename one or add it")
        own = next((name for name in NAMES if name in columns), None)
        texts = file.read(list(dict.fromkeys([*wanted, *([own] if own else [])]))).to_pydict()
    count = file.metadata.num_rows
    found = {name: [as_text(value) for value in texts[name]] for name in wanted}
    names = map(as_text, texts[own]) if own else map(str, range(count))
    return pd.DataFrame(found | {"file": list(names)}, dtype=object)


def as_text(value: Any) -> str:
    """A cell as text: '' where it is empty, and bytes as the UTF-8 that some programs write for text."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "" if value is None else text.strip()


def load_cell(cell: dict | bytes | None, folder: Path, bit_depth: int | None) -> Image.Image:
    """The image of one cell: encoded bytes, alone or in a `datasets` struct, or a path beside the table."""
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if data is None and isinstance(cell, dict) and isinstance(cell.get("path"), str):
        data = read_file(folder / cell["path"])
    if not isinstance(data, bytes):
        raise UnreadableImage("holds neither bytes nor the path of an image")
    return decode(data, bit_depth)


READER = ImageTableDataset
