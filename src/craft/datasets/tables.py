"""Label tables as people keep them: any usual encoding and separator, every cell read as the text it is."""

import codecs
import csv
import gzip
import io
import re
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from craft.core.errors import CraftError
from craft.core.reading import reading
from craft.datasets.readers.base import display_name

# the first wins where two give a header as many columns
SEPARATORS = (",", ";", "\t", "|")
# the longer marks first: that of UTF-32 begins with that of UTF-16
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NO_TEXT = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"PAR1": "a parquet file",
    b"{": "a file of JSON",
    b"[": "a file of JSON",
}
# a byte order mark inside of a text, and marks of width zero
INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200e\u200f\u2060"))
WHOLE_NUMBER = re.compile(r"([+-]?\d+)[.,]0+")
EXPECTED = "expected a CSV table in UTF-8 with a header, as data/README.md shows"


def read_text_table(path: Path, wanted: Sequence[str] = ()) -> pd.DataFrame:
    """A table of text, without blanks around names and cells; '' where a cell is empty, and nowhere else.

    Columns may be parted by commas, semicolons, tabs or bars; a row may end in more separators than the header. UTF-8,
    UTF-16 and UTF-32 are read, compressed by gzip too. Names and cells are in Unicode's composed form (NFC).

    Args:
        path: of the table.
        wanted: columns that it should have; they tell the separator where a header could be read in two ways.

    Raises:
        CraftError: if it is no such table; the message holds no cell.
    """
    where = display_name(path)
    with reading(where, "a CSV table", EXPECTED):
        data = path.read_bytes()
    text = decode_text(data, where)
    if told := re.match(r"sep=(.)\r?\n", text):
        # a spreadsheet's own first line
        separator, text = told[1], text[told.end() :]
    else:
        separator = find_separator(text, wanted)
    numbered = read_cells(text, separator, where)
    if len(numbered) < 2:
        raise CraftError(
            f"{where} is no readable CSV table (it has {'a header alone' if numbered else 'no row'}); {EXPECTED}"
        )
    (_, header), *rows = numbered
    while header and not header[-1]:
        header.pop()
    width = len(header)
    for line, cells in rows:
        if any(cells[width:]):
            raise CraftError(
                f"{where}, line {line}: {len(cells)} cells stand under {width} column names, parted by {separator!r};"
                " put a cell that holds the separator between double quotes, or name every column"
            )
    if twice := [name for name in wanted if header.count(name) > 1]:
        raise CraftError(f"{where} has {header.count(twice[0])} columns {twice[0]!r}; rename all but one")
    return pd.DataFrame([(cells + [""] * width)[:width] for _, cells in rows], columns=header, dtype="str")


def decode_text(data: bytes, where: str) -> str:
    """The text of a table's bytes.

    Raises:
        CraftError: if it is no text of a known encoding; it names the cause.
    """
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise CraftError(f"{where} is no readable CSV table (its gzip data are damaged); copy it again") from error
    if kind := next((kind for start, kind in NO_TEXT.items() if data.startswith(start)), None):
        raise CraftError(f"{where} is no readable CSV table (it is {kind}); save it as CSV in UTF-8")
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), None) or unmarked_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise CraftError(
            f"{where} is no readable CSV table (it is not {encoding.upper()} text: {error.reason} at byte"
            f" {error.start}); save it as CSV in UTF-8"
        ) from error


def unmarked_encoding(data: bytes) -> str:
    """UTF-16 where every other byte of a text without a mark is zero, else UTF-8."""
    start = data[:4096]
    zeros = [start[first::2].count(0) for first in (0, 1)]
    if max(zeros) <= len(start) // 4:
        return "utf-8"
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def find_separator(text: str, wanted: Sequence[str]) -> str:
    """What parts the columns: it makes the most wanted names of the header, and then the most names."""

    def found(separator: str) -> tuple[int, int]:
        header = next(csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=separator), [])
        names = [clean(name) for name in header]
        return len(set(names) & set(wanted)), len(names)

    try:
        return max(SEPARATORS, key=found)
    except csv.Error:
        return SEPARATORS[0]


def read_cells(text: str, separator: str, where: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows = []
    try:
        for cells in reader:
            cells = [clean(cell) for cell in cells]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise CraftError(
            f"{where} is no readable CSV table (line {reader.line_num}: {error}); close the double quotes there, or"
            " save it as CSV in UTF-8"
        ) from error
    return rows


def clean(cell: str) -> str:
    """A cell without blanks and invisible marks at its ends, in Unicode's composed form."""
    return cell.strip() if cell.isascii() else unicodedata.normalize("NFC", cell.translate(INVISIBLE)).strip()


def plain_number(text: str) -> str:
    """A whole number without the zeros that a program wrote behind its point: '3' for '3.0'; other texts as they are.

    A column of whole numbers of which one is missing is written so.
    """
    match = WHOLE_NUMBER.fullmatch(text)
    return match[1] if match else text
