"""Traced numbers are numbers, and remember where they come from."""

import json

import pandas as pd

from craft.evaluation.reporting.findings.base import spread
from craft.evaluation.reporting.traced import Count, Value, count_in, tally, traced, value_in

TABLE = pd.DataFrame({"value": [0.5, float("nan"), -1.0]}, index=["t:2", "t:3", "t:4"])


def test_a_traced_number_is_a_number():
    assert Value(0.5, ["t:2"]) == 0.5 and Count(3) == 3
    assert json.dumps([Value(0.5, ["t:2"]), Count(3)]) == "[0.5, 3]"


def test_a_cell_comes_from_its_row():
    assert value_in(TABLE.iloc[2]).origins == count_in(TABLE.iloc[2]).origins == ("t:4",)


def test_a_difference_comes_from_both():
    difference = Value(3, ["t:2", "u:2"]) - Value(1, ["u:2", "u:3"])
    assert difference == 2 and difference.origins == ("t:2", "u:2", "u:3")


def test_behind_a_count_are_all_cases_not_those_alone_that_are_counted():
    counted = tally(TABLE, TABLE["value"] > 0)
    assert counted == 1 and counted.origins == ("t:2", "t:3", "t:4")
    assert tally([Value(1, ["a"]), Value(2, ["b"])]) == 2 and tally([]).origins == ()


def test_ends_of_a_range_come_from_a_row_each_and_nothing_is_left_out_but_what_is_no_number():
    assert [each.origins for each in traced(TABLE["value"])] == [("t:2",), ("t:4",)]
    ends = spread(TABLE["value"])
    assert (ends["low"].origins, ends["high"].origins) == (("t:4",), ("t:2",))
