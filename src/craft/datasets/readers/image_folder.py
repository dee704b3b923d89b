"""Reader of a folder of image files, labelled by a table or by class sub-folders."""

import logging
import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, field_validator, model_validator

from craft.core.errors import CraftError
from craft.core.settings import PathText, Positive
from craft.datasets.files import count_kinds, is_image, list_files, mask_sign, suggest_group_pattern
from craft.datasets.preprocess import UnreadableImage, decode, is_two_valued, read_file, to_square
from craft.datasets.readers.base import RawImage, Reading, Reason, display_name, locate, missing_data
from craft.datasets.rows import LabelledFile, list_class_folders, list_rows, quote, split_patterns
from craft.datasets.settings import DatasetSettings, LabelNames
from craft.datasets.tables import read_text_table

log = logging.getLogger(__name__)

DEFAULT_TABLE, DEFAULT_COLUMN = "labels.csv", "label"


def as_list(names: Any) -> Any:
    """A plain string is a list of one."""
    return [names] if isinstance(names, str) else names


Patterns = Annotated[list[str], BeforeValidator(as_list, json_schema_input_type=str | list[str])]
Columns = Annotated[Patterns, Field(min_length=1)]


class ImageFolderDataset(DatasetSettings):
    """Image files of a folder, labelled by a table or by the names of its sub-folders."""

    # decoding releases the interpreter lock
    threads: ClassVar[int] = 2

    reader: Literal["image_folder"] = Field(description="image files, labelled by a table or by class sub-folders")
    path: PathText = Field(
        description="folder, absolute or below $CRAFT_DATA (default data/raw)", examples=["my_images"]
    )
    table: PathText = Field(
        DEFAULT_TABLE, description="label table in the folder; without one, class sub-folders are labels"
    )
    file_column: Columns = Field(
        ["file"],
        description="column that names the image, with or without folder and extension; several where a row has several"
        " images",
    )
    label_column: Columns = Field(
        [DEFAULT_COLUMN],
        description="column that holds the label; as many as `file_column` where each image has its own",
    )
    one_hot: list[str] = Field(
        [], description="in place of `label_column`: columns, one for each raw label, that hold 1 where it applies"
    )
    label_separator: str | None = Field(
        None,
        min_length=1,
        description="what parts several labels in a cell, for example '|'; null: a cell is one label",
    )
    several_labels: Literal["leave_out", "ignore_others", "first", "majority"] = Field(
        "leave_out",
        description="an image of several labels, in a cell or in several rows, is left out; or only `labels` count; or"
        " the first of `labels` that it has; or the one that most of its rows name",
    )
    label_names: LabelNames = Field({}, description="renames raw labels, for example {'0': grade_0}")
    group_column: str | None = Field(
        None, description="column that holds the patient or lesion id; null: every image is its own group"
    )
    group_pattern: str | None = Field(
        None,
        description="regular expression whose first group, or whole match, is the patient or lesion id, searched in"
        " `group_column` or else in the path of the file",
        examples=[r"(patient\d+)"],
    )
    include: Patterns = Field(
        [],
        description="images that fit none of these are left out, for example '*.png', 'images/*'; empty: all are taken",
    )
    exclude: Patterns = Field([], description="images that fit one of these are left out, for example '*_mask*'")
    min_side: Positive | None = Field(
        None, description="images with a shorter side, in pixels, are left out; null: they are enlarged"
    )
    take_masks: bool = Field(
        False, description="whether files that look like masks are images; false: they stop the run"
    )

    bit_depth: int | None = Field(
        None, ge=8, le=16, description="significant bits of 16-bit grey values; null where every file's header says so"
    )

    @property
    def names_patients(self) -> bool:
        """See `DatasetSettings.names_patients`."""
        return bool(self.group_column or self.group_pattern)

    @field_validator("group_pattern")
    @classmethod
    def pattern_is_an_expression(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(
                f"{pattern!r} is no regular expression ({error}); write for example `group_pattern: '(patient\\d+)'`"
            ) from error
        return pattern

    @model_validator(mode="after")
    def columns_fit(self) -> Self:
        if len(self.label_column) not in (1, len(self.file_column)):
            raise ValueError(
                f"{len(self.label_column)} columns of labels stand beside {len(self.file_column)} of files; write one"
                " `label_column`, or as many as `file_column` has"
            )
        if self.one_hot and self.label_column != [DEFAULT_COLUMN]:
            raise ValueError("`one_hot` stands in place of `label_column`; remove one of them")
        if self.group_column in (*self.label_column, *self.one_hot):
            raise ValueError("`group_column` is a column of labels; name the one that holds the patient or lesion id")
        return self

    def wanted_columns(self) -> list[str]:
        """Columns that a table needs, each once."""
        labels = self.one_hot or self.label_column
        return list(dict.fromkeys([*self.file_column, *labels, *([self.group_column] if self.group_column else [])]))

    def read(self) -> Reading:
        """See `DatasetSettings.read`."""
        return read_image_folder(self)

    def require_data(self) -> None:
        """See `DatasetSettings.require_data`."""
        if not locate(self.path).is_dir():
            raise missing_data(locate(self.path), "data folder")

    def watched_files(self) -> list[Path]:
        """The label table, where there is one."""
        table = locate(self.path) / self.table
        return [table] if table.is_file() else []

    def watched_folder(self) -> Path:
        """The folder."""
        return locate(self.path)


def read_image_folder(settings: ImageFolderDataset) -> Reading:
    """Labelled image files, in the order of the table or of the sorted names.

    What is left out is counted: rows without a label, with several or with one that is not configured, and files that
    are no images, that the table does not name or that a pattern leaves out.

    Raises:
        CraftError: if the folder, the table or a column is missing, a configured label never occurs, an entry of the
            table may mean several files, or files look like masks.
    """
    folder, reading = locate(settings.path), Reading()
    files = list_labelled(folder, settings, reading)
    if not settings.take_masks:
        refuse_masks([file.path for file in files], settings, display_name(folder))
    if not settings.names_patients:
        tell_of_groups([file.path for file in files], display_name(folder))
    reading.extend(raw_image(folder, file, settings) for file in files)
    return reading


def list_labelled(
    folder: Path, settings: ImageFolderDataset, reading: Reading, complete: bool = True
) -> list[LabelledFile]:
    """The files of a folder that have a configured label.

    Args:
        folder: of the files.
        settings: of the dataset.
        reading: counts what is left out.
        complete: whether every configured label has to occur.

    Raises:
        CraftError: see `read_image_folder`.
    """
    if not folder.is_dir():
        raise missing_data(folder, "data folder")
    table, where, files = folder / settings.table, display_name(folder), list_files(folder)
    images = [file for file in files if is_image(file)]
    others = [file for file in files if not is_image(file) and file != settings.table]
    taken, left_out = split_patterns(images, settings, reading)
    if table.is_file():
        cells, name = read_text_table(table, settings.wanted_columns()), display_name(table)
        listed = list_rows(cells, folder, ([*taken, *others], left_out), settings, reading, name, complete)
        named = {file.path for file in listed}
        others = [file for file in others if file not in named]
    elif settings.table != DEFAULT_TABLE or settings.group_column:
        raise CraftError(
            f"no label table {settings.table} in {where}: add it, or remove `table` and `group_column` to let the names"
            " of the sub-folders be the labels"
        )
    elif not any("/" in file for file in taken):
        found = [file for file in others if "/" not in file and file.lower().endswith((".csv", ".tsv", ".csv.gz"))]
        hint = f"; or name its table, with `table: {quote(found[0])}`" if found else ""
        raise CraftError(
            f"{where} holds no image in a sub-folder: expected {DEFAULT_TABLE} with columns file and label, or one"
            f" sub-folder of images for each label{hint}"
        )
    else:
        listed = list_class_folders(taken, settings, reading, where, complete)
    for kind, count in count_kinds(folder, others).items():
        reading.leave_out(Reason.NOT_READ, kind, count)
    return listed


def refuse_masks(files: list[str], settings: ImageFolderDataset, where: str) -> None:
    """Raise a CraftError if files look like masks by their names."""
    classes = [*settings.labels, *settings.label_names]
    masks = {file: sign for file in files if (sign := mask_sign(file, classes))}
    if masks:
        signs = quote([sign for sign, _ in Counter(masks.values()).most_common()])
        raise CraftError(
            f"{where}: {len(masks)} of {len(files)} files look like masks by their names, the first"
            f" {next(iter(masks))}; leave them out with `exclude: {signs}`, or set `take_masks` where they are images"
        )


def tell_of_groups(files: list[str], where: str) -> None:
    """Log that nothing names the patients, and what might."""
    log.warning(
        "%s: no patient is named, so that every image counts as a patient of its own; name them with `group_column` or"
        " `group_pattern` where there are several images of one",
        where,
    )
    if found := suggest_group_pattern(files):
        pattern, count, persons = found
        log.warning(
            "%s: by their names %d files look like several images of each of %d patients, which splits then share; name"
            " the patient, for example `group_pattern: %s`",
            *(where, count, persons, quote(pattern)),
        )


def raw_image(folder: Path, file: LabelledFile, settings: ImageFolderDataset) -> RawImage:
    """One image file; without a group id it can only be quarantined, since no split could be told to be safe."""
    if not file.found:
        load = partial(refuse, "is not in the folder, under no other extension and in no sub-folder either")
    elif not file.group:
        why = "holds no match of `group_pattern`" if settings.group_pattern else "has no group id in the label table"
        load = partial(refuse, why)
    else:
        load = partial(load_file, folder / file.path, settings)
    name = as_text(f"{display_name(folder)}/{file.path}")
    return RawImage(file=name, label=file.label, group=as_text(file.group), load=load)


def as_text(name: str) -> str:
    """A name of a file that is not UTF-8 with marks for what is none, so that it can be written."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def load_file(path: Path, settings: ImageFolderDataset, size: int) -> tuple[np.ndarray, dict[str, str]]:
    """Decode a file to `size` pixels."""
    image = decode(read_file(path), settings.bit_depth)
    if not settings.take_masks and is_two_valued(image):
        raise UnreadableImage(
            "has two grey values at most, as a mask has; leave such files out with `exclude`, or set `take_masks` where"
            " they are images"
        )
    return to_square(image, size, settings.min_side), {}


def refuse(reason: str, size: int) -> tuple[np.ndarray, dict[str, str]]:
    """Raise an `UnreadableImage`."""
    raise UnreadableImage(reason)


READER = ImageFolderDataset
