"""Atomic writing: a file or folder is complete under its name or it is not there at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# the repository, from which runs start
ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the name `path` when the block ends without an error.

    Works for a file or a folder, whichever the block creates. An existing target is replaced.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    staged = workspace / path.name
    try:
        yield staged
        if staged.is_dir() and path.is_dir():
            path.rename(workspace / "replaced")
        os.replace(staged, path)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    with atomic_path(path) as staged:
        staged.write_text(text, encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """Write text atomically that its owner alone may read."""
    with atomic_path(path) as staged:
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
    """Write a pandas frame as CSV atomically, without its index."""
    with atomic_path(path) as staged:
        frame.to_csv(staged, index=False, float_format="%.6g")


def write_tensors(path: Path, tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Write named tensors as safetensors atomically."""
    from safetensors.torch import save_file

    with atomic_path(path) as staged:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, staged, metadata=metadata)
