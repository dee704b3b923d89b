"""Progress bars for people, silence for log files."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def track(items: Iterable[T], what: str, **options) -> Iterator[T] | tqdm:
    """A tqdm bar over `items` that draws only on a terminal."""
    return tqdm(items, desc=what, disable=not sys.stderr.isatty(), leave=False, **options)
