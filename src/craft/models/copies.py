"""Copies of one model under two names, found by place and bytes before a run; a hub id and its local copy are one.

Copies whose weights are divided among other files, or written in another precision, are found by the job that loads all
judges (`craft.models.loaded`).
"""

import hashlib
from pathlib import Path

from craft.models.hub import find_snapshot

WEIGHTS = ("*.safetensors", "*.bin", "*.pt")


def describe_copy(first: str, second: str) -> str | None:
    """In what the models of two paths are one, by path, place or bytes; None where they differ or are not here."""
    if first == second or Path(first).resolve() == Path(second).resolve():
        return f"have the same path {second!r}"
    one, two = find_folder(first), find_folder(second)
    if one is None or two is None:
        return None
    if one.resolve() == two.resolve():
        return f"have the same path {second!r}"
    return f"have the same weights in {first!r} and {second!r}" if same_weights(one, two) else None


def find_folder(path: str) -> Path | None:
    """The folder of a path, or the local snapshot of a hub id; None where there is none. Asks no network."""
    return Path(path) if Path(path).is_dir() else find_snapshot(path)


def same_weights(first: Path, second: Path) -> bool:
    """Whether two model folders hold weight files of the same bytes, whatever their names."""
    files = [sorted(file for kind in WEIGHTS for file in folder.glob(kind)) for folder in (first, second)]
    # only files of equal size are read, so that a configuration of large models is checked in no time
    sizes = [sorted(file.stat().st_size for file in group) for group in files]
    if not files[0] or sizes[0] != sizes[1]:
        return False
    one, two = (sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in group) for group in files)
    return one == two
