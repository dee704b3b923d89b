"""Atomic writing: a file or folder is complete under its name or it is not there at all.

What is being written lies in a folder beside its place, locked as long as its writer lives: the next writer of the same
name removes what killed ones left. Files get the rights that the umask leaves, whatever a library gave them.
"""

import errno
import fcntl
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape as glob_escape
from pathlib import Path
from typing import Any

from craft.core.errors import CraftError

# the repository, from which runs start
ROOT = Path(__file__).resolve().parents[3]


# why a file cannot be written that is none of the program's doing
FULL = {errno.ENOSPC, errno.EDQUOT}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EIO}
# some libraries hand on the number in their text alone
OS_ERROR = re.compile(r"(?:os error|\[errno) (\d+)", re.IGNORECASE)
WRITING = ".writing-"
# what a spreadsheet takes for the start of a formula
FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.]+(?:e[+-]?\d+)?$)")


@contextmanager
def atomic_path(path: Path, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the name `path` when the block ends without an error.

    Works for a file or a folder, whichever the block creates. An existing target is replaced.

    Args:
        path: of the file or folder.
        private: whether its owner alone may read it.

    Raises:
        CraftError: if the disk is full or the place cannot be written to.
    """
    path = Path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        workspace, lock = make_workspace(path)
    staged = workspace / path.name
    try:
        with explained(path, staged):
            yield staged
            set_rights(staged, private)
            if staged.is_dir() and path.is_dir():
                path.rename(workspace / "replaced")
            os.replace(staged, path)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        os.close(lock)


def make_workspace(path: Path) -> tuple[Path, int]:
    """A fresh folder beside a path, and the lock that says that its writer lives."""
    while True:
        workspace = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}{WRITING}", dir=path.parent))
        lock = os.open(workspace, os.O_RDONLY)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        # another writer may have taken it for a leftover before it was locked
        if workspace.is_dir():
            return workspace, lock
        os.close(lock)


def remove_leftovers(path: Path) -> None:
    """Remove what killed writers of a path left beside it."""
    for leftover in path.parent.glob(f"{glob_escape('.' + path.name[:100])}{WRITING}*"):
        with suppress(OSError):
            lock = os.open(leftover, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(leftover, ignore_errors=True)
            finally:
                os.close(lock)


def set_rights(staged: Path, private: bool) -> None:
    """Give all files of a file or folder the rights that new files have."""
    probe = staged.parent / "probe"
    probe.touch()
    rights = 0o600 if private else stat.S_IMODE(probe.stat().st_mode)
    for file in [staged] if staged.is_file() else (each for each in staged.rglob("*") if each.is_file()):
        file.chmod(rights)


@contextmanager
def explained(path: Path, staged: Path | None = None) -> Iterator[None]:
    """Turn a full disk or a place that cannot be written to into one sentence.

    Args:
        path: that is being written.
        staged: what was written of it so far.
    """
    try:
        yield
    except CraftError:
        raise
    # OSError, or the like of a library
    except Exception as error:
        told = OS_ERROR.search(str(error))
        number = getattr(error, "errno", None) or (int(told[1]) if told else None)
        place = getattr(error, "filename", None)
        elsewhere = isinstance(place, str) and not Path(place).absolute().is_relative_to(path.absolute().parent)
        if number not in FULL | CLOSED or (elsewhere and number not in FULL):
            raise
        mend = tell_space(path, staged) if number in FULL else "; correct the rights of its folder, or name another"
        raise CraftError(f"{path} cannot be written: {os.strerror(number)}{mend}") from error


def tell_space(path: Path, staged: Path | None) -> str:
    """How much of a file or folder was written, how much room is left beside it, and what to do."""
    files = [staged] if staged and staged.is_file() else staged.rglob("*") if staged else []
    written = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    free = shutil.disk_usage(path.parent).free / 1e6
    return f" ({written:.1f} MB of it were written, {free:.1f} MB are free); make room and run the same again"


def write_changed(path: Path, text: str) -> None:
    """Write text atomically where it is not what the file holds."""
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
        write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    with atomic_path(path) as staged:
        staged.write_text(text, encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """Write text atomically that its owner alone may read."""
    with atomic_path(path, private=True) as staged:
        staged.touch(mode=0o600)
        staged.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, indented, with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def write_parquet(path: Path, frame: Any) -> None:
    """Write a pandas frame as parquet atomically, without its index."""
    with atomic_path(path) as staged:
        frame.to_parquet(staged, index=False)


def write_csv(path: Path, frame: Any) -> None:
    """Write a pandas frame as CSV atomically, without its index; a spreadsheet takes no text of it for a formula."""
    texts = frame.select_dtypes(include=["object", "string"]).columns
    shown = frame.assign(**{name: frame[name].map(as_cell) for name in texts})
    with atomic_path(path) as staged:
        shown.rename(columns=as_cell).to_csv(staged, index=False, float_format="%.6g")


def as_cell(value: Any) -> Any:
    """A value of a CSV cell; text that a spreadsheet would compute begins with an apostrophe, which it hides."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def write_tensors(path: Path, tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Write named tensors as safetensors atomically."""
    from safetensors.torch import save_file

    with atomic_path(path) as staged:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, staged, metadata=metadata)
