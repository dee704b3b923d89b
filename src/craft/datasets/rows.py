"""From the rows of a label table, or from class folders, to labelled files; what is left out is counted."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import yaml

from craft.core.errors import CraftError
from craft.datasets.files import FileIndex, entry_path, is_image, mask_sign, matches
from craft.datasets.labels import LabelNaming, hidden, source_of_labels
from craft.datasets.readers.base import Reading, Reason
from craft.datasets.tables import plain_number

if TYPE_CHECKING:
    from craft.datasets.readers.image_folder import ImageFolderDataset

# folders into which publishers part a set before its class folders
PARTS = {"train", "training", "trainset", "val", "valid", "validation", "dev", "test", "testing", "testset"}
# what stands in a column of one label
HOLDS, HOLDS_NOT, UNCERTAIN = {"1", "true", "yes", "y", "x"}, {"0", "false", "no", "n", ""}, {"-1"}
# rows that are looked at to tell what a column holds
TRIED = 50


@dataclass(frozen=True)
class LabelledFile:
    """One file with its label.

    Attributes:
        path: relative to the folder.
        label: configured label.
        group: raw id of the patient, lesion or image that no two splits may share; '' where the data lack it.
        found: whether there is such a file.
    """

    path: str
    label: str
    group: str
    found: bool = True


@dataclass
class Entry:
    """One image of a table.

    Attributes:
        rows: its raw labels, in each of its rows.
        groups: its raw groups.
        uncertain: columns of labels that hold neither 1 nor 0, with what they hold.
        first: the first image of its first row.
    """

    first: str
    rows: list[list[str]] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    uncertain: dict[str, str] = field(default_factory=dict)


def split_patterns(images: Sequence[str], settings: "ImageFolderDataset", reading: Reading) -> tuple[list, list]:
    """The images that the patterns take, and those that they leave out, which are counted."""
    taken, others = [], []
    for file in images:
        pattern = next((pattern for pattern in settings.exclude if matches(file, [pattern])), "")
        if pattern or (settings.include and not matches(file, settings.include)):
            reading.leave_out(Reason.EXCLUDED, pattern)
            others.append(file)
        else:
            taken.append(file)
    return taken, others


def list_class_folders(
    images: Sequence[str], settings: "ImageFolderDataset", reading: Reading, where: str, complete: bool
) -> list[LabelledFile]:
    """Images of class folders: that folder on the way to a file which names a configured label is its label.

    Args:
        images: relative to the folder.
        settings: of the dataset.
        reading: counts what is left out.
        where: the folder, for messages.
        complete: whether every configured label has to occur.

    Raises:
        CraftError: if there is no image in a sub-folder, or a label is lacking.
    """
    naming = LabelNaming(settings.label_names, settings.labels)
    listed, raw, left_out = [], Counter(), Counter()
    for file in images:
        folders = file.split("/")[:-1]
        held = list(dict.fromkeys(folder for folder in folders if naming.chosen(folder)))
        named = {naming.name(folder) for folder in held}
        own = [folder for folder in folders if folder.lower() not in PARTS]
        if len(named) > 1:
            left_out[Reason.SEVERAL_LABELS, " | ".join(held)] += 1
        elif named:
            listed.append(LabelledFile(file, named.pop(), group_of(file, file, settings)))
            raw[held[0]] += 1
        elif own:
            left_out[Reason.LABEL_NOT_CHOSEN, own[0]] += 1
            raw[own[0]] += 1
        else:
            left_out[Reason.NOT_IN_CLASS_FOLDER, "/".join(folders)] += 1
    if complete:
        naming.require_all(raw, where)
    leave_out_all(left_out, reading)
    return listed


def leave_out_all(left_out: Counter[tuple[Reason, str]], reading: Reading, column: str | None = "") -> None:
    """Count what is left out, without raw values that may be ids of persons."""
    for reason in dict.fromkeys(reason for reason, _ in left_out):
        counts = {value: count for (each, value), count in left_out.items() if each is reason}
        shown = {"": sum(counts.values())} if hidden(counts, column) else counts
        for value, count in shown.items():
            reading.leave_out(reason, value, count)


def list_rows(
    cells: pd.DataFrame,
    folder: Path,
    files: tuple[Sequence[str], Sequence[str]],
    settings: "ImageFolderDataset",
    reading: Reading,
    where: str,
    complete: bool,
) -> list[LabelledFile]:
    """Images of a table, each once, in the order of its rows.

    Args:
        cells: the table, all text.
        folder: of the files.
        files: relative to it: those that are taken, and those that patterns leave out.
        settings: of the dataset.
        reading: counts what is left out.
        where: the table, for messages.
        complete: whether every configured label has to occur.

    Raises:
        CraftError: if a column or a configured label is lacking, or an entry may mean several files.
    """
    taken, others = (FileIndex(part) for part in files)
    require_columns(cells, taken, settings, where)
    entries, naming = gather_entries(cells, settings, reading), LabelNaming(settings.label_names, settings.labels)
    column = ", ".join(settings.one_hot or settings.label_column)
    if settings.group_column and not settings.one_hot:
        groups = cells[settings.group_column].tolist()
        sources = (source_of_labels(column, cells[name].tolist(), groups) for name in settings.label_column)
        column = None if None in sources else column
    if complete:
        raw = [label for entry in entries.values() for row in entry.rows for label in row]
        naming.require_all(raw, where, column)
    paths = find_paths(entries, folder, taken, others, where)
    listed, left_out = [], Counter()
    for written, entry in entries.items():
        path = paths[written]
        if path is None:
            continue
        label, reason, value = choose_label(entry, naming, settings)
        if reason:
            left_out[reason, value] += 1
        elif len(entry.groups) > 1:
            reading.leave_out(Reason.SEVERAL_GROUPS)
        else:
            first = paths.get(entry.first) or entry.first
            cell = next(iter(entry.groups), first) if settings.group_column else ""
            group = group_of(cell, path if settings.group_pattern else first, settings)
            listed.append(LabelledFile(path or written, label, group, bool(path)))
    leave_out_all(left_out, reading, column)
    named = {path for path in paths.values() if path}
    for file in files[0]:
        if file not in named and is_image(file):
            reading.leave_out(Reason.NOT_IN_TABLE, os.path.splitext(file)[1].lower())
    return listed


def gather_entries(cells: pd.DataFrame, settings: "ImageFolderDataset", reading: Reading) -> dict[str, Entry]:
    """The images of a table by what it calls them."""
    columns = {name: cells[name].tolist() for name in settings.wanted_columns()}
    labels = settings.label_column * (len(settings.file_column) if len(settings.label_column) == 1 else 1)
    entries: dict[str, Entry] = {}
    for row in range(len(cells)):
        first = ""
        for file_column, label_column in zip(settings.file_column, labels, strict=True):
            written = entry_path(columns[file_column][row])
            if not written:
                reading.leave_out(Reason.NO_FILE_NAME)
                continue
            first = first or written
            entry = entries.setdefault(written, Entry(first))
            if entry.rows:
                reading.leave_out(Reason.REPEATED_ROW)
            if settings.one_hot:
                held = {name: plain_number(columns[name][row]).lower() for name in settings.one_hot}
                entry.rows.append([name for name, cell in held.items() if cell in HOLDS])
                entry.uncertain |= {name: cell for name, cell in held.items() if cell not in HOLDS | HOLDS_NOT}
            else:
                cell, mark = columns[label_column][row], settings.label_separator
                found = [part.strip() for part in cell.split(mark)] if mark else [cell]
                entry.rows.append([part for part in found if part])
            if settings.group_column:
                entry.groups.add(plain_number(columns[settings.group_column][row]))
    return entries


def choose_label(entry: Entry, naming: LabelNaming, settings: "ImageFolderDataset") -> tuple[str, Reason | None, str]:
    """The label of an image; or why it has none, and the raw value of that."""
    policy = settings.several_labels
    raw = [label for row in entry.rows for label in row]
    names = Counter(naming.name(label) for label in raw)
    value = " | ".join(dict.fromkeys(raw))
    if policy == "majority" and len(names) > 1:
        (most, count), (_, second) = names.most_common(2)
        if count == second:
            return "", Reason.SEVERAL_LABELS, value
        names = Counter({most: count})
    uncertain = {name: cell for name, cell in entry.uncertain.items() if policy == "leave_out" or naming.chosen(name)}
    chosen = [label for label in settings.labels if label in names]
    if uncertain and not (policy == "first" and chosen):
        return "", Reason.UNCERTAIN_LABEL, ", ".join(f"{name} = {cell}" for name, cell in uncertain.items())
    if not names:
        return "", Reason.NO_LABEL, ""
    if len(names if policy == "leave_out" else chosen) > 1 and policy != "first":
        return "", Reason.SEVERAL_LABELS, value
    return (chosen[0], None, "") if chosen else ("", Reason.LABEL_NOT_CHOSEN, value)


def group_of(cell: str, path: str, settings: "ImageFolderDataset") -> str:
    """The group of an image: what the pattern finds in the group's cell or the path, or these themselves; else ''."""
    text = cell if settings.group_column else path
    if not settings.group_pattern:
        return text
    match = re.search(settings.group_pattern, text)
    return (match[1] if match.re.groups else match[0]) or "" if match else ""


def find_paths(
    entries: dict[str, Entry], folder: Path, taken: FileIndex, others: FileIndex, where: str
) -> dict[str, str | None]:
    """The file of every entry; '' where there is none, None where a pattern leaves it out.

    Raises:
        CraftError: if an entry may mean several files, or two entries mean one.
    """
    paths: dict[str, str | None] = {}
    owners: dict[str, str] = {}
    for written in entries:
        found = sorted(taken.find(written), key=lambda file: (bool(mask_sign(file)), file))
        if len(found) > 1:
            # the folder or the end of the first, where that tells it from the second
            part = found[0].rpartition("/")[0]
            pattern = (
                f"{part}/*" if part and not found[1].startswith(f"{part}/") else f"*{os.path.splitext(found[0])[1]}"
            )
            raise CraftError(
                f"{where} names {written!r}, which may be {found[0]} or {found[1]}; say which files are meant, for"
                f" example `include: {yaml.safe_dump([pattern], default_flow_style=True).strip()}`"
            )
        if found and (owner := owners.setdefault(found[0], written)) != written:
            raise CraftError(
                f"{where} names {owner!r} and {written!r}, but {folder.name} holds {found[0]} alone for both; put both"
                " files into the folders that the table names"
            )
        if not found and others.find(written):
            paths[written] = None
        else:
            # a file outside of the folder, or a hidden one, is in no index
            paths[written] = found[0] if found else written if (folder / written).is_file() else ""
    return paths


def require_columns(cells: pd.DataFrame, files: FileIndex, settings: "ImageFolderDataset", where: str) -> None:
    """Raise a CraftError if the table lacks a column; it shows the line that names another one, where that can be told.

    Cells are never shown: the first row may be a patient's where the table has no header.
    """
    names = list(cells.columns)
    lacking = [name for name in settings.wanted_columns() if name not in names]
    if not lacking:
        return
    if any(name.isdigit() or files.find(entry_path(name)) or is_image(name) for name in names if name):
        raise CraftError(
            f"{where} has no header: its first row is that of an image; write the names of the columns above it, for"
            f" example {','.join(settings.wanted_columns())}"
        )
    known = ", ".join(name for name in names if name)
    if settings.file_column[0] in lacking and (column := find_file_column(cells, files)):
        raise CraftError(
            f"{where} has no column {lacking[0]!r}, but {column!r} names its images; write"
            f" `file_column: {quote(column)}`"
        )
    if settings.label_column[0] in lacking and not settings.one_hot:
        if columns := find_one_hot(cells, settings):
            raise CraftError(
                f"{where} is one-hot, with a column for each label, and has no column {lacking[0]!r}; write"
                f" `one_hot: {quote(columns)}`"
            )
        if column := find_label_column(cells, settings):
            raise CraftError(
                f"{where} has no column {lacking[0]!r}, but {column!r} holds the labels; write"
                f" `label_column: {quote(column)}`"
            )
    key = "group_column" if lacking[0] == settings.group_column else "label_column"
    key = "file_column" if lacking[0] in settings.file_column else key
    raise CraftError(f"{where} has no column {lacking[0]!r}, only {known}; correct `{key}`, or add the column")


def find_file_column(cells: pd.DataFrame, files: FileIndex) -> str | None:
    """The column most of whose first cells name files."""
    shares = {
        name: [bool(files.find(entry_path(cell))) for cell in cells[name][:TRIED]] for name in unique_names(cells)
    }
    best = max(shares, key=lambda name: sum(shares[name]), default=None)
    return best if best and 2 * sum(shares[best]) > len(shares[best]) else None


def find_label_column(cells: pd.DataFrame, settings: "ImageFolderDataset") -> str | None:
    """The first column that holds all configured labels."""
    naming = LabelNaming(settings.label_names, settings.labels)
    held = {name: {naming.name(cell) for cell in cells[name].unique()} for name in unique_names(cells)}
    return next((name for name, found in held.items() if set(settings.labels) <= found), None)


def find_one_hot(cells: pd.DataFrame, settings: "ImageFolderDataset") -> list[str]:
    """The columns that hold 1, 0 and -1 alone, where those of all labels are among them."""
    naming = LabelNaming(settings.label_names, settings.labels)
    names = [
        name
        for name in unique_names(cells)
        if {plain_number(cell).lower() for cell in cells[name][:TRIED]} <= HOLDS | HOLDS_NOT | UNCERTAIN
    ]
    return names if set(settings.labels) <= {naming.name(name) for name in names} else []


def unique_names(cells: pd.DataFrame) -> list[str]:
    """Names of the columns that occur once."""
    names = list(cells.columns)
    return [name for name in names if name and names.count(name) == 1]


def quote(value: str | list[str]) -> str:
    """A value as it stands in a line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...").strip()
