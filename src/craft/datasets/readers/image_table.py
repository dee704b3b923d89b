"""Reader of a parquet table of images, as `datasets` of Hugging Face and this pipeline itself write them."""

from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pydantic import Field

from craft.core.errors import CraftError
from craft.datasets.preprocess import UnreadableImage, decode, to_square
from craft.datasets.readers.base import RawImage, display_name, locate, missing_data, name_labels
from craft.datasets.readers.image_folder import refuse_ungrouped
from craft.datasets.settings import LabelledFiles

IMAGE = "image"
# columns that can name an image, the first that there is
NAMES = ("file", "image_id")


class ImageTableDataset(LabelledFiles):
    """A parquet table with encoded images, or the paths of their files, in its column `image`."""

    reader: Literal["image_table"] = Field(description="a parquet table with a column `image` of encoded images")
    path: str = Field(
        description="parquet file, absolute or below $CRAFT_DATA (default data/raw)", examples=["my_images.parquet"]
    )

    def read(self) -> list[RawImage]:
        """See `DatasetSettings.read`."""
        path, entries = locate(self.path), self.entries()
        cells, where = Cells(path), display_name(path)
        kept, found = entries[entries["name"].notna()], []
        for row, file, label, group in zip(kept.index, kept["file"], kept["name"], kept["group"], strict=True):
            load = partial(cells.load, row, self.min_side) if group else refuse_ungrouped
            found.append(RawImage(file=f"{where}:{file}", label=label, group=group, load=load))
        return found

    def entries(self) -> pd.DataFrame:
        """See `LabelledFiles.entries`; an image is named by its column `file` or `image_id`, or by its row."""
        path = locate(self.path)
        if not path.is_file():
            raise missing_data(path, "image table")
        extra = [self.group_column] if self.group_column else []
        table = read_columns(path, self.label_column, *extra)
        entries = pd.DataFrame({"file": table["file"], "label": table[self.label_column]})
        entries["group"] = table[self.group_column] if self.group_column else entries["file"]
        names = name_labels(list(entries["label"]), self.label_names, self.labels, display_name(path))
        return entries.assign(name=pd.Series(names, dtype=object))

    def watched_files(self) -> list[Path]:
        """The table, where it is there."""
        return [locate(self.path)] if locate(self.path).is_file() else []


class Cells:
    """The images of a table by row, of which one group of rows at a time is held in memory."""

    def __init__(self, path: Path):
        self.path, self.lock = path, Lock()
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.group, self.cells = -1, []

    def load(self, row: int, min_side: int | None, size: int) -> tuple[np.ndarray, dict[str, str]]:
        """Decode the image of a row to `size` pixels."""
        return to_square(load_cell(self.cell(row), self.path.parent), size, min_side), {}

    def cell(self, row: int) -> dict | bytes | None:
        """What the column holds there."""
        group = int(np.searchsorted(self.starts, row, side="right")) - 1
        with self.lock:
            if group != self.group:
                with pq.ParquetFile(self.path) as file:
                    self.cells = file.read_row_group(group, columns=[IMAGE])[IMAGE].to_pylist()
                self.group = group
            return self.cells[row - self.starts[group]]


def read_columns(path: Path, label_column: str, *others: str) -> pd.DataFrame:
    """Columns of a table as text, without its images; empty cells are '', and `file` names the image.

    Raises:
        CraftError: if it is no parquet table, or lacks a column or the images.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise CraftError(f"{path} is no parquet table; give a folder of images or a parquet table") from error
    with file:
        columns, wanted = file.schema_arrow.names, list(dict.fromkeys([label_column, *others]))
        if lacking := [name for name in (IMAGE, *wanted) if name not in columns]:
            raise CraftError(f"{path} has no column {lacking[0]!r}, only {', '.join(columns)}; rename one or add it")
        own = next((name for name in NAMES if name in columns), None)
        texts = file.read(list(dict.fromkeys([*wanted, *([own] if own else [])]))).to_pydict()
    count = file.metadata.num_rows
    found = {name: ["" if value is None else str(value).strip() for value in texts[name]] for name in wanted}
    return pd.DataFrame(found | {"file": list(map(str, texts[own] if own else range(count)))}, dtype=object)


def load_cell(cell: dict | bytes | None, folder: Path) -> Image.Image:
    """The image of one cell: encoded bytes, alone or in a `datasets` struct, or a path beside the table."""
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if data is None and isinstance(cell, dict) and cell.get("path"):
        try:
            data = (folder / cell["path"]).read_bytes()
        except OSError as error:
            raise UnreadableImage(f"cannot be opened: {error.strerror}") from error
    if not isinstance(data, bytes):
        raise UnreadableImage("holds neither bytes nor the path of an image")
    return decode(data)


READER = ImageTableDataset
