"""What every reader yields, and where raw data lies."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from craft.core.errors import CraftError

log = logging.getLogger(__name__)

DEFAULT_ROOT = "data/raw"
# raw values that a line of the log names
SHOWN = 12


@dataclass(frozen=True)
class RawImage:
    """One labelled image that is not decoded yet.

    Attributes:
        file: name in messages and in the quarantine table, relative to the data root.
        label: configured label.
        group: raw id of the patient, lesion or image that no two splits may share.
        load: renders or decodes the image at a size in pixels: uint8 of shape (size, size, 3) and the text columns
            (`caption`, `coarse_caption`, `attributes`) that it has; raises `UnreadableImage`.
    """

    file: str
    label: str
    group: str
    load: Callable[[int], tuple[np.ndarray, dict[str, str]]]


class Reason(StrEnum):
    """Why a row or file of the data is no image of the dataset."""

    NO_LABEL = "no label"
    LABEL_NOT_CHOSEN = "label not chosen"
    SEVERAL_LABELS = "several labels"
    UNCERTAIN_LABEL = "uncertain label"
    SEVERAL_GROUPS = "several groups for one image"
    REPEATED_ROW = "further row of the same image"
    NO_FILE_NAME = "row without a file name"
    NOT_IN_TABLE = "image that the table does not name"
    NOT_IN_CLASS_FOLDER = "image outside of the class folders"
    EXCLUDED = "excluded by `include` or `exclude`"
    NOT_READ = "file of a kind that is not read"
    OVER_LIMIT = "beyond `max_per_label`"


class Reading(list[RawImage]):
    """The images of a dataset, and how many rows and files were left out, by reason and raw value."""

    def __init__(self, images: Iterable[RawImage] = ()):
        super().__init__(images)
        self.left_out: Counter[tuple[Reason, str]] = Counter(getattr(images, "left_out", {}))

    def leave_out(self, reason: Reason, value: str = "", count: int = 1) -> None:
        """Count rows or files that are left out; `value` is a label, kind or folder, never an id of a person."""
        self.left_out[reason, value] += count

    def tell(self, where: str) -> None:
        """Log what is left out, a line for each reason, with the commonest raw values."""
        for reason in dict.fromkeys(reason for reason, _ in self.left_out):
            counts = Counter({value: count for (each, value), count in self.left_out.items() if each is reason})
            shown = ", ".join(f"{value!r} {count}" for value, count in counts.most_common(SHOWN) if value)
            more = f", and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
            log.warning("%s: left out %d: %s%s", where, counts.total(), reason, f" ({shown}{more})" if shown else "")


def data_root() -> Path:
    """Folder of the raw data: $CRAFT_DATA, or data/raw where that is unset or empty."""
    return Path(os.environ.get("CRAFT_DATA") or DEFAULT_ROOT)


def locate(path: str) -> Path:
    """A configured path: absolute, or below the data root."""
    return data_root() / path


def display_name(path: Path) -> str:
    """A path relative to the data root, or its last part where it lies elsewhere."""
    root = data_root()
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def missing_data(path: Path, what: str) -> CraftError:
    """The error for raw data that is not there."""
    root = os.environ.get("CRAFT_DATA")
    setting = f"CRAFT_DATA is {root!r}" if root else f"CRAFT_DATA is unset, so {DEFAULT_ROOT} is searched"
    return CraftError(
        f"no {what} {path} ({setting}): put the data there or set CRAFT_DATA to the folder that holds it,"
        " as data/README.md describes"
    )
