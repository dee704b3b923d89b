"""What every reader yields, where raw data lies, and how raw labels become configured ones."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from craft.core.errors import CraftError

DEFAULT_ROOT = "data/raw"


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


def name_labels(raw: Sequence[str], names: dict[str, str], labels: list[str], where: str) -> list[str | None]:
    """Configured label of every raw label; None where the raw label is empty or not configured.

    Args:
        raw: labels as the data have them.
        names: raw label -> configured label, for those that are renamed.
        labels: configured labels.
        where: the file or folder, for the message.

    Raises:
        CraftError: if a configured label never occurs.
    """
    named = [names.get(label, label) for label in raw]
    if lacking := [label for label in labels if label not in set(named)]:
        found = sorted({label for label in raw if label})
        shown = ", ".join(map(repr, found[:12])) + (", ..." if len(found) > 12 else "")
        raise CraftError(
            f"{where} holds no image labelled {lacking[0]!r}, only {shown or 'unlabelled ones'};"
            f" correct `labels`, or rename a raw label with `label_names: {{<raw label>: {lacking[0]}}}`"
        )
    return [label if label in labels else None for label in named]
