"""The one exception that a user's mistake raises, and the sentences made of it."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

# characters from which on long words of a sentence are cut, those of such a word, of a path, and of any sentence
LONG, LONGEST_WORD, LONGEST_PATH, LONGEST = 300, 40, 120, 400
# characters of a list of names
LISTED = 100
# levels, entries and digits that no file of settings or knowledge comes near
DEEPEST, MOST, DIGITS = 40, 100_000, 300
UNWRITABLE = re.compile("[\\0\ud800-\udfff]")


class CraftError(Exception):
    """A mistake the user can mend; its text is one sentence: what, where, what was expected, how to mend it.

    The text is one line, of at most `LONG` characters where that needs no more than to shorten what is quoted in it.
    """

    exit_code = 2

    def __init__(self, text: object):
        super().__init__(one_line(text))


def one_line(text: object, long: int = LONG, longest: int = LONGEST) -> str:
    """A text on one line that any terminal shows.

    Args:
        text: of any length.
        long: characters from which on its long words are cut.
        longest: characters that it has at most; its middle makes room for its start and end.
    """
    words = "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split())).split(" ")
    while (over := len(" ".join(words)) - long) > 0:
        least = [LONGEST_PATH if "/" in word else LONGEST_WORD for word in words]
        place = max(range(len(words)), key=lambda number: len(words[number]) - least[number])
        word = words[place]
        if len(word) <= least[place]:
            break
        kept = max(least[place], len(word) - over) - len("...")
        words[place] = f"{word[: kept // 2]}...{word[len(word) - (kept - kept // 2) :]}"
    line = " ".join(words)
    half = (longest - len(" ... ")) // 2
    return line if len(line) <= longest else f"{line[:half].rstrip()} ... {line[len(line) - half :].lstrip()}"


def list_names(names: Iterable[str]) -> str:
    """Names for a sentence; of many, the first and how many more there are."""
    known = list(names)
    shown = list(known)
    while len(", ".join(shown)) > LISTED and len(shown) > 1:
        shown.pop()
    more = len(known) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def explain_validation(error: Exception) -> str:
    """The first finding of a pydantic or YAML error as one line: where it is and what is wrong."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        return f"at {where!r}: {first['msg']}"
    return one_line(error)


def check_size(value: Any) -> None:
    """Refuse what would keep any reader busy: values that hold themselves, nest deeply, or grow without end.

    YAML's anchors let nine short lines stand for 9 ** 9 entries.

    Args:
        value: parsed YAML or JSON.

    Raises:
        ValueError: if it is such a value.
    """
    sizes: dict[int, int] = {}

    def size(each: Any, depth: int) -> int:
        if isinstance(each, int) and abs(each) >= 10**DIGITS:
            raise ValueError(f"it holds a number of more than {DIGITS} digits")
        if isinstance(each, str) and UNWRITABLE.search(each):
            raise ValueError("it holds a zero byte or half of a character, which no file can hold; remove it")
        if not isinstance(each, dict | list):
            return 1
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep, or holds itself; write it out plainly")
        if id(each) not in sizes:
            parts = [*each.values(), *each] if isinstance(each, dict) else each
            sizes[id(each)] = 1 + sum(size(part, depth + 1) for part in parts)
        if sizes[id(each)] > MOST:
            raise ValueError(f"it stands for more than {MOST} entries; write it without nested anchors")
        return sizes[id(each)]

    size(value, 0)
