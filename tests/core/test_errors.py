"""Sentences: one line, never longer than a terminal's few, and values that no reader should follow."""

import pytest

from craft.core.errors import LISTED, LONG, LONGEST, CraftError, check_size, list_names, one_line


def test_a_sentence_is_one_line_whatever_it_quotes():
    text = str(CraftError("start\n" + "x" * 5000 + "\x00\ud800\t" + "word " * 200 + "end"))
    assert len(text) <= LONGEST
    assert text.isprintable()
    assert text.startswith("start xxx") and text.endswith("end")


def test_a_long_path_is_cut_before_the_words_around_it():
    text = one_line(f"no file {'a' * 400}/name.png; correct the path")
    assert len(text) == LONG
    assert text.startswith("no file aaa") and text.endswith("aaa/name.png; correct the path") and "a...a" in text


def test_a_short_sentence_stays_as_it_is():
    assert str(CraftError("no file a b; correct it")) == "no file a b; correct it"


def laughs() -> list:
    value: list = ["x"] * 9
    for _ in range(8):
        value = [value] * 9
    return value


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


def around_itself() -> list:
    value: list = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (laughs(), "entries"),
        (nested(3000), "levels deep"),
        (around_itself(), "holds itself"),
        ({"a": 10**5000}, "digits"),
        ({"a\0": 1}, "zero byte"),
        (["\ud800"], "half of a character"),
    ],
    ids=["aliases", "depth", "itself", "digits", "zero byte", "surrogate"],
)
def test_what_would_keep_a_reader_busy_is_refused_at_once(value, said):
    with pytest.raises(ValueError, match=said):
        check_size(value)


def test_plain_values_pass():
    check_size({"a": [1, 2.5, None, True, "é", {"b": ["c"] * 1000}]})


def test_of_many_names_the_first_are_listed():
    assert list_names(["a", "b"]) == "a, b"
    long = list_names(f"label_{number}" for number in range(50))
    assert long.startswith("label_0, label_1, ") and long.endswith(" and 39 more") and len(long) < LISTED + 15
    assert list_names(["x" * 200, "y"]) == f"{'x' * 200} and 1 more"
