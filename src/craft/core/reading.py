"""Files that somebody else may have written, damaged or replaced: read whole, or refused in one sentence."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from craft.core.errors import DEEPEST, CraftError, check_size, one_line

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

# the C parser is ten times as fast
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# characters of a library's own words that a sentence quotes
QUOTED = 80


@contextmanager
def reading(path: Path | str, what: str, mend: str) -> Iterator[None]:
    """Turn whatever a library meets in a file into one sentence.

    Args:
        path: of the file.
        what: it should be, for example 'JSON'.
        mend: what to do about it.

    Raises:
        CraftError: if anything is raised in the block; one that the block raises itself stays as it is.
    """
    try:
        yield
    except CraftError:
        raise
    # decoders and parsers raise what their authors thought of: ArrowInvalid, SafetensorError, RecursionError, KeyError
    except Exception as error:
        raise CraftError(f"{path} cannot be read as {what}: {brief(error)}; {mend}") from error


def brief(error: Exception) -> str:
    """What a library says about a fault, without the file's content that it may quote at length."""
    if problem := getattr(error, "problem", None):
        mark = getattr(error, "problem_mark", None)
        return one_line(f"{problem} in line {mark.line + 1}" if mark else problem, QUOTED, QUOTED)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    # pyarrow names the file once more
    lines = re.sub(r"^Could not open Parquet input source '.*?': ", "", reason.strip()).rstrip(".").splitlines()
    return one_line(lines[0] if lines else type(error).__name__, QUOTED, QUOTED)


def read_text(path: Path, mend: str) -> str:
    """A file of UTF-8 text.

    Raises:
        CraftError: if it is none.
    """
    with reading(path, "UTF-8 text", mend):
        return Path(path).read_text(encoding="utf-8")


def read_json(path: Path, mend: str = "copy or make it again") -> Any:
    """What a JSON file holds.

    Raises:
        CraftError: if it is no JSON, or one that no program should take.
    """
    with reading(path, "JSON", mend):
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        check_size(value)
        return value


def read_yaml(path: Path, mend: str) -> Any:
    """What a YAML file holds.

    Raises:
        CraftError: if it is no YAML, or one that no program should take.
    """
    with reading(path, "YAML", mend):
        return parse_yaml(Path(path).read_text(encoding="utf-8"))


def parse_yaml(text: str) -> Any:
    """What a YAML text holds.

    Raises:
        ValueError: if it is one that no program should take.
        Exception: whatever the parser meets.
    """
    depth = 0
    # before the composer, which follows every level with a call of its own
    for event in yaml.parse(text, Loader=YAML_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    value = yaml.load(text, Loader=YAML_LOADER)
    check_size(value)
    return value


def read_frame(path: Path, mend: str, **options: Any) -> "pd.DataFrame":
    """A parquet file as a pandas frame.

    Args:
        path: of the file.
        mend: what to do where it is damaged.
        options: of `pandas.read_parquet`.

    Raises:
        CraftError: if it is no parquet file, or a damaged one.
    """
    import pandas as pd

    with reading(path, "a parquet table", mend):
        return pd.read_parquet(path, **options)


def read_tensors(path: Path, mend: str, names: Sequence[str] | None = None) -> "dict[str, Tensor]":
    """All tensors of a safetensors file by name, or some of them.

    Raises:
        CraftError: if it is no safetensors file, a damaged one, or lacks a name.
    """
    with open_tensors(path, mend) as file:
        return {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}


@contextmanager
def open_tensors(path: Path, mend: str, device: str = "cpu") -> Iterator[Any]:
    """An open safetensors file; whatever is raised in the block concerns the file.

    Raises:
        CraftError: if it is no safetensors file, or a damaged one.
    """
    from safetensors import safe_open

    with reading(path, "safetensors", mend), safe_open(path, framework="pt", device=device) as file:
        yield file
