"""Reader of a folder of image files, labelled by a table or by class sub-folders."""

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from PIL import Image
from pydantic import Field

from craft.core.errors import CraftError
from craft.datasets.preprocess import UnreadableImage, decode, to_square
from craft.datasets.readers.base import RawImage, display_name, locate, missing_data, name_labels
from craft.datasets.settings import LabelledFiles

DEFAULT_TABLE = "labels.csv"


class ImageFolderDataset(LabelledFiles):
    """Image files of a folder, labelled by a table or by the names of its sub-folders."""

    reader: Literal["image_folder"] = Field(description="image files, labelled by a table or by class sub-folders")
    path: str = Field(description="folder, absolute or below $CRAFT_DATA (default data/raw)", examples=["my_images"])
    table: str = Field(
        DEFAULT_TABLE, description="label table in the folder; without one, class sub-folders are labels"
    )

    def read(self) -> list[RawImage]:
        """See `DatasetSettings.read`."""
        return read_image_folder(self)

    def entries(self) -> pd.DataFrame:
        """See `LabelledFiles.entries`."""
        return list_images(self)

    def watched_files(self) -> list[Path]:
        """The label table, where there is one."""
        table = locate(self.path) / self.table
        return [table] if table.is_file() else []


def read_image_folder(settings: ImageFolderDataset) -> list[RawImage]:
    """Labelled image files, in the order of the table or of the sorted names.

    Rows with an empty label and rows of labels that are not configured are left out.

    Raises:
        CraftError: if the folder, the table or a column is missing, or a configured label never occurs.
    """
    entries, folder = list_images(settings), locate(settings.path)
    kept = entries[entries["name"].notna()]
    return [
        raw_image(folder, file, label, group, settings.min_side)
        for file, label, group in zip(kept["file"], kept["name"], kept["group"], strict=True)
    ]


def list_images(settings: ImageFolderDataset) -> pd.DataFrame:
    """See `LabelledFiles.entries`; the files are named as in the table, or below the folder."""
    folder = locate(settings.path)
    if not folder.is_dir():
        raise missing_data(folder, "data folder")
    table = folder / settings.table
    entries = read_table(table, settings) if table.is_file() else list_subfolders(folder, settings)
    where = display_name(table if table.is_file() else folder)
    entries["name"] = name_labels(list(entries["label"]), settings.label_names, settings.labels, where)
    return entries


def raw_image(folder: Path, file: str, label: str, group: str, min_side: int | None) -> RawImage:
    """One image file; without a group id it can only be quarantined, since no split could be told to be safe."""
    load = partial(load_file, folder / file, min_side) if group else refuse_ungrouped
    return RawImage(file=f"{display_name(folder)}/{file}", label=label, group=group, load=load)


def load_file(path: Path, min_side: int | None, size: int) -> tuple[np.ndarray, dict[str, str]]:
    """Decode a file to `size` pixels."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"cannot be opened: {error.strerror}") from error
    return to_square(decode(data), size, min_side), {}


def refuse_ungrouped(size: int) -> tuple[np.ndarray, dict[str, str]]:
    raise UnreadableImage("has no group id in the label table")


def read_table(path: Path, settings: ImageFolderDataset) -> pd.DataFrame:
    """Columns `file`, `label` and `group`, all text; empty cells are ''."""
    try:
        # text only: '007' and '7' are two patients
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", skipinitialspace=True).fillna("")
    except (ValueError, pd.errors.ParserError) as error:
        raise CraftError(f"{display_name(path)} is no readable CSV table ({error}); save it as UTF-8 CSV") from error
    wanted = {"file": "file", "label": settings.label_column}
    wanted |= {"group": settings.group_column} if settings.group_column else {"group": "file"}
    if lacking := [column for column in wanted.values() if column not in table.columns]:
        raise CraftError(
            f"{display_name(path)} has no column {lacking[0]!r}, only {', '.join(table.columns)};"
            " correct `label_column` or `group_column`, or add the column"
        )
    return pd.DataFrame({name: table[column].str.strip() for name, column in wanted.items()})


def list_subfolders(folder: Path, settings: ImageFolderDataset) -> pd.DataFrame:
    """Image files of class sub-folders: the sub-folder is the label, the file its own group."""
    if settings.table != DEFAULT_TABLE or settings.group_column:
        raise CraftError(
            f"no label table {settings.table} in {display_name(folder)}: add it, or remove `table` and `group_column`"
            " to let the names of the sub-folders be the labels"
        )
    known = Image.registered_extensions()
    files = [
        path.relative_to(folder)
        for path in sorted(folder.glob("[!.]*/**/[!.]*"))
        if path.is_file() and path.suffix.lower() in known
    ]
    if not files:
        raise CraftError(
            f"{display_name(folder)} holds no image: expected {DEFAULT_TABLE} with columns file and label,"
            " or one sub-folder of images for each label"
        )
    names = [file.as_posix() for file in files]
    return pd.DataFrame({"file": names, "label": [file.parts[0] for file in files], "group": names})


READER = ImageFolderDataset
