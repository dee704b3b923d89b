"""Files of a folder: which are images, which one a table means, which look like masks or like one person's."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath

from PIL import Image

KINDS = {
    "DICOM": (".dcm", ".dicom", ".ima"),
    "NIfTI": (".nii", ".nii.gz"),
    "whole slide": (".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".czi", ".vsi", ".isyntax"),
    "volume": (".mha", ".mhd", ".nrrd", ".hdr", ".img", ".mgz"),
    "array": (".npy", ".npz", ".mat", ".h5", ".hdf5", ".hdf"),
    "archive": (".zip", ".tar", ".tar.gz", ".tgz", ".gz", ".7z", ".rar"),
    "HEIF": (".heic", ".heif"),
    "video": (".mp4", ".avi", ".mov", ".mpg", ".mpeg", ".webm"),
}
SUFFIXES = {suffix: kind for kind, suffixes in KINDS.items() for suffix in suffixes}
# how the bytes of a file begin, from the given place on
STARTS = ((128, b"DICM", "DICOM"), (344, b"n+1\0", "NIfTI"), (0, b"\x89HDF", "array"), (4, b"ftypheic", "HEIF"))
SNIFFED = 352
# formats that Pillow knows by name and cannot decode
STUBS = {"BUFR", "GRIB", "HDF5", "MPEG", "WMF", "PDF"}
MASK_WORDS = "masks?|segm?|segmentations?|ground_?truths?|gt|annotations?|contours?"
MASK_NAME = re.compile(rf"(?:^|(?<=[^a-z]))(?:{MASK_WORDS})(?=$|[^a-z])")
MASK_FOLDER = re.compile(rf"(?:.*[^a-z])?(?:{MASK_WORDS})")
# the part of a name that tells the images of one person apart
LAST_PART = re.compile(r"[_\-. ]+[^_\-. ]*$")
PERSON_NUMBER = re.compile(r"(patient|person|subject|participant|case|pat|sub|pt)[_-]?\d+", re.IGNORECASE)


def list_files(folder: Path) -> list[str]:
    """Files of a folder and its sub-folders, relative to it, in sorted order; hidden ones and what is below them do not
    count, and links are followed once."""
    found, seen = [], set()
    for place, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = os.path.relpath(place, folder).replace(os.sep, "/")
        below = "" if inside == "." else f"{inside}/"
        found += [below + name for name in files if not name.startswith(".")]
    return sorted(found)


@cache
def image_suffixes() -> frozenset[str]:
    """Extensions of the formats that Pillow decodes, in lower case."""
    formats = Image.registered_extensions()
    return frozenset(
        suffix
        for suffix, name in formats.items()
        if name in Image.OPEN and name not in STUBS and suffix not in SUFFIXES
    )


def is_image(file: str) -> bool:
    """Whether a file's name is that of an image."""
    return PurePosixPath(file).suffix.lower() in image_suffixes()


def kind_of(file: str, data: bytes) -> str:
    """What a file that is no image is, from its name and how its bytes begin."""
    name = PurePosixPath(file).name.lower()
    sniffed = next((kind for place, mark, kind in STARTS if data[place : place + len(mark)] == mark), "")
    suffix = next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(suffix)), "")
    kind = sniffed or SUFFIXES.get(suffix, "")
    # a number behind a point, as in the name of a DICOM file, is no extension
    own = suffix or PurePosixPath(name).suffix
    shown = own if own and not own[1:].isdigit() else "no extension"
    return f"{shown} ({kind})" if kind else shown


def count_kinds(folder: Path, files: Iterable[str]) -> Counter[str]:
    """How many files there are of each kind."""
    return Counter(kind_of(file, read_start(folder / file)) for file in files)


def read_start(path: Path) -> bytes:
    """The first bytes of a file; none where it cannot be opened."""
    try:
        with path.open("rb") as opened:
            return opened.read(SNIFFED)
    except OSError:
        return b""


def matches(file: str, patterns: Sequence[str]) -> bool:
    """Whether a file fits one of the patterns, upper and lower case alike.

    A pattern with a slash is held against the path below the folder, one without against the name; `*` stands for any
    letters, slashes among them.
    """
    path = file.lower()
    name = path.rpartition("/")[2]
    return any(fnmatch(path if "/" in pattern else name, pattern.lower()) for pattern in patterns)


def mask_sign(file: str, labels: Iterable[str] = ()) -> str:
    """The pattern that leaves out a file whose name, or one of whose folders, is that of a mask; '' for other files.

    Args:
        file: relative to the dataset's folder.
        labels: names of folders that hold a label's images, whatever they are called.
    """
    *folders, name = file.split("/")
    if found := MASK_NAME.search(PurePosixPath(name).stem.lower()):
        return f"*{found[0]}*"
    known = set(labels)
    found = next((part for part in folders if part not in known and MASK_FOLDER.fullmatch(part.lower())), None)
    return f"*{found}/*" if found else ""


class FileIndex:
    """Finds the file that an entry of a table means.

    Args:
        files: relative to the folder.
    """

    def __init__(self, files: Sequence[str]):
        self._paths = {unicodedata.normalize("NFC", file): file for file in files}
        self._names, self._stems, self._bare = defaultdict(list), defaultdict(list), defaultdict(list)
        for path, file in self._paths.items():
            self._names[path.rpartition("/")[2]].append(file)
            if is_image(path):
                bare = strip_suffix(path)
                self._bare[bare].append(file)
                self._stems[bare.rpartition("/")[2]].append(file)

    def find(self, entry: str) -> list[str]:
        """The files that an entry may mean: as it stands, without folders in front, in a sub-folder, without extension
        or with that of another image format. The first of these ways that leads to a file counts.
        """
        if entry in self._paths:
            return [self._paths[entry]]
        for written, paths, names in (
            (entry, self._paths, self._names),
            (entry, self._bare, self._stems),
            (strip_suffix(entry) if is_image(entry) else "", self._bare, self._stems),
        ):
            if found := self._find(written, paths, names):
                return found
        return []

    def _find(self, entry: str, paths: dict, names: dict) -> list[str]:
        parts = entry.split("/")
        for first in range(len(parts) if entry else 0):
            if found := paths.get("/".join(parts[first:])):
                return [found] if isinstance(found, str) else found
        below = names.get(parts[-1], []) if entry else []
        if len(parts) == 1:
            return below
        ending = "/" + entry
        return [file for file in below if strip_suffix(file).endswith(ending) or file.endswith(ending)]


def strip_suffix(path: str) -> str:
    """A path without the extension of its name."""
    return path[: len(path) - len(PurePosixPath(path).suffix)]


def entry_path(cell: str) -> str:
    """A path as it may stand in a table, made relative with slashes: `.\\sub\\i0.png` is `sub/i0.png`."""
    path = re.sub(r"^[A-Za-z]:", "", cell.replace("\\", "/"))
    return re.sub(r"^(\.?/)+", "", path)


def suggest_group_pattern(files: Sequence[str]) -> tuple[str, int, int] | None:
    """A pattern that names persons, where files look like several images of each.

    Either most paths hold a word such as `patient` with a number, or names differ in their last part alone from others
    while what they share holds a number: `person7_bacteria_12.jpeg`.

    Returns:
        The pattern, the number of files that share what it finds, and the number of what it finds; None where no
        persons can be told.
    """
    numbered = [PERSON_NUMBER.search(file) for file in files]
    held = [match[0].lower() for match in numbered if match]
    if 2 * len(held) > len(files):
        word = Counter(match[1] for match in numbered if match).most_common(1)[0][0]
        divider = next(match[0][len(match[1])] for match in numbered if match and match[1] == word)
        between = divider if divider in "_-" else ""
        return report(rf"({word}{between}\d+)", held)
    stems = [LAST_PART.sub("", strip_suffix(file.rpartition("/")[2])) for file in files]
    return report(r"([^/]*)[_\-. ]", [stem for stem in stems if any(letter.isdigit() for letter in stem)])


def report(pattern: str, keys: Sequence[str]) -> tuple[str, int, int] | None:
    """See `suggest_group_pattern`: nothing where at most one key is shared, or one is that of half of the files."""
    shared = {key: count for key, count in Counter(keys).items() if count > 1}
    if len(shared) < 2 or 2 * max(shared.values()) > len(keys):
        return None
    return pattern, sum(shared.values()), len(shared)
