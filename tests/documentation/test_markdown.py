"""Markdown: numbers as they are written, and generated blocks."""

import pandas as pd
import pytest

from craft.core.errors import CraftError
from craft.documentation.markdown import fill_blocks, interval, listed, make_table, number, percent, span

PAGE = "Before.\n\n<!-- generated: one (make docs) -->\nold\n<!-- end of one -->\n\nAfter.\n"


def test_a_block_is_made_anew_and_the_rest_stays():
    filled = fill_blocks("page.md", PAGE, {"one": lambda: "new\n\nlines\n"})
    assert filled == PAGE.replace("old", "new\n\nlines")
    assert fill_blocks("page.md", filled, {"one": lambda: "new\n\nlines"}) == filled


def test_what_a_block_holds_is_no_pattern():
    assert r"a \1 b" in fill_blocks("page.md", PAGE, {"one": lambda: r"a \1 b"})


def test_a_block_without_an_end_or_a_maker_is_refused():
    with pytest.raises(CraftError, match=r"page.md: the block 'one' has no end"):
        fill_blocks("page.md", PAGE.replace("end of one", "end"), {"one": lambda: ""})
    with pytest.raises(CraftError, match=r"page.md: nothing makes the block 'one'; write one of two"):
        fill_blocks("page.md", PAGE, {"two": lambda: ""})


def test_numbers_are_written_with_fixed_digits_and_no_negative_zero():
    assert [number(0.12345), number(-0.0001), number(float("nan")), number(None)] == ["0.123", "0.000", "n/a", "n/a"]
    assert percent(0.2346) == "23.5"


def test_intervals_and_ranges():
    row = pd.Series({"value": -0.25, "low": -0.5, "high": 0.0})
    assert interval(row, digits=2) == "-0.25 (-0.50 to 0.00)"
    assert interval(row.abs(), percent, digits=0) == "25 (50-0)"
    assert interval(None) == "n/a"
    assert span({"low": 0.1, "high": 0.9}, percent, digits=0) == "10 to 90"
    assert span({"low": 0.1, "high": 0.1}, digits=1) == "0.1"
    assert span(None) == "n/a"


def test_lists_and_tables():
    assert [listed(["a"]), listed(["a", "b"]), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert make_table(("x", "y"), [("1", "a|b")]) == "| x | y |\n|---|---|\n| 1 | a\\|b |"
