"""The prose of a Typst source: what stands in its markup, without code, mathematics, strings, raw text and comments."""

import re
from collections.abc import Iterator

KEYWORDS = re.compile(r"(?:let|if|for|while|show|set|import|include|context|return)\b")
NAME = re.compile(r"[A-Za-z_][\w-]*")
CLOSES = {"(": ")", "[": "]", "{": "}"}


class Prose:
    """Reads a source once; `lines` holds the prose of every line, blanks in place of all else."""

    def __init__(self, source: str):
        self.source, self.place = source, 0
        self.kept = [" " if character != "\n" else "\n" for character in source]
        self.markup(end="")
        self.lines = "".join(self.kept).split("\n")

    def ahead(self, text: str) -> bool:
        return self.source.startswith(text, self.place)

    def skip(self, pattern: str) -> bool:
        """Go over what matches here; whether anything did."""
        found = re.compile(pattern, re.DOTALL).match(self.source, self.place)
        self.place = found.end() if found else self.place
        return bool(found)

    def no_prose(self) -> bool:
        """Go over a comment, raw text, mathematics or a reference, where one starts here."""
        return any(map(self.skip, (r"//[^\n]*", r"/\*.*?\*/", r"`+[^`]*`+", r"\$(?:\\.|[^$])*\$", r"@[\w:.-]+")))

    def markup(self, end: str) -> None:
        """Keep prose up to the bracket that ends it, which is gone over."""
        while self.place < len(self.source):
            character = self.source[self.place]
            if character == end:
                self.place += 1
                return
            if character == "\\":
                self.skip(r"\\u\{\w+\}|\\.")
            elif character == "#":
                self.place += 1
                self.expression(keyword=True)
            elif not self.no_prose():
                if character == "[":
                    self.place += 1
                    self.markup(end="]")
                    continue
                self.kept[self.place] = character
                self.place += 1

    def expression(self, keyword: bool = False) -> None:
        """Go over the code after a `#`: a statement up to its end, or a name with its calls."""
        if keyword and KEYWORDS.match(self.source, self.place):
            self.code(ends="\n;]")
            return
        if self.source[self.place] in CLOSES:
            self.bracket()
        elif not self.skip(NAME.pattern):
            return
        while self.skip(r"\.(?=[A-Za-z])" + NAME.pattern) or (self.place < len(self.source) and self.ahead_bracket()):
            pass

    def ahead_bracket(self) -> bool:
        """Go over the arguments of a call, where there are some."""
        if self.source[self.place] not in "([":
            return False
        self.bracket()
        return True

    def bracket(self) -> None:
        """Go over a bracket; prose between square ones is kept."""
        opening = self.source[self.place]
        self.place += 1
        if opening == "[":
            self.markup(end="]")
        else:
            self.code(ends=CLOSES[opening])
            self.place += 1

    def code(self, ends: str) -> None:
        """Go over code up to one of the characters that end it; a statement goes on after `else` and operators."""
        while self.place < len(self.source):
            character = self.source[self.place]
            if character in ends and not (character == "\n" and self.goes_on()):
                return
            if character in CLOSES:
                self.bracket()
            elif not (self.skip(r'"(?:\\.|[^"\\])*"') or self.no_prose()):
                self.place += 1
            if ends == "\n;]" and self.after_block():
                return

    def goes_on(self) -> bool:
        """Whether the statement of this line goes on in the next one."""
        before = self.source[: self.place].rstrip()
        after = self.source[self.place :].lstrip()
        return before.endswith(("=", "+", "and", "or", "=>", "else")) or after.startswith((".", "else", "+", "and "))

    def after_block(self) -> bool:
        """Whether a statement ended with the block before this place: text may follow it on the same line."""
        statement = self.source[self.place - 1 : self.place] in ("]", "}")
        return statement and not re.match(r"\s*(?:else\b|\.|\+|\(|\[|==|!=|and\b|or\b|=>|=)", self.source[self.place :])


def typed_numbers(source: str) -> Iterator[tuple[int, str]]:
    """The numbers that stand in the prose of a Typst source, with their lines; names such as C1 or F1 are none."""
    for line, text in enumerate(Prose(source).lines, start=1):
        # a number's own dots and commas; nothing that is part of a name or of an identifier such as arXiv:2605.12650
        for found in re.finditer(r"(?<![\w:.-])\d[\d.,]*\d|(?<![\w:.-])\d(?!\w)", text):
            yield line, found.group()
