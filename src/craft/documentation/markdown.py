"""Markdown: tables, numbers and lists in words, and the generated blocks of a page."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from craft.core.errors import CraftError

NOTHING = "n/a"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z_]+)[^>]*-->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL)
OPENING = re.compile(r"<!-- generated: ([a-z_]+)")


def fill_blocks(page: str, text: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """A page with what stands between its markers made anew.

    Args:
        page: its name, for messages.
        text: the page; a block stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
        blocks: what makes each block, by name.

    Raises:
        CraftError: if a block has no end, or nothing makes it.
    """
    for name in OPENING.findall(text):
        if name not in blocks:
            raise CraftError(f"{page}: nothing makes the block {name!r}; write one of {', '.join(blocks)}")
        if f"<!-- end of {name} -->" not in text:
            raise CraftError(f"{page}: the block {name!r} has no end; add a line `<!-- end of {name} -->`")
    return BLOCK.sub(lambda match: f"{match[1]}{blocks[match['name']]().strip()}\n{match[3]}", text)


def make_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars inside of cells are escaped."""
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def number(value: float | None, digits: int = 3) -> str:
    """A number with a fixed count of decimals, a plain hyphen as its sign and no negative zero."""
    if value is None or pd.isna(value):
        return NOTHING
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a percentage, without its sign."""
    return NOTHING if value is None or pd.isna(value) else number(100 * value, digits)


def interval(row: pd.Series | None, write: Callable[..., str] = number, **options: int) -> str:
    """A value and, in parentheses, the ends of its interval."""
    if row is None or pd.isna(row["value"]):
        return NOTHING
    low, high = (write(row[end], **options) for end in ("low", "high"))
    between = " to " if low.startswith("-") else "-"
    return f"{write(row['value'], **options)} ({low}{between}{high})"


def span(found: Mapping[str, float] | None, write: Callable[..., str] = number, **options: int) -> str:
    """Least and greatest of some numbers, once where they are the same."""
    if found is None:
        return NOTHING
    low, high = (write(found[end], **options) for end in ("low", "high"))
    return low if low == high else f"{low} to {high}"


def listed(items: Iterable[str]) -> str:
    """Some words with commas, and "and" before the last."""
    *head, last = list(items) or [NOTHING]
    return f"{', '.join(head)} and {last}" if head else last


def code(name: str) -> str:
    """A key as code."""
    return f"`{name}`"
