"""Label tables as people save them: the same cells however they are saved; or one sentence with the cause."""

import gzip

import pytest

from craft.core.errors import CraftError
from craft.datasets.tables import plain_number, read_text_table

ROWS = [["file", "label", "patient"], ["a.png", "nevus", "007"], ["b.png", "", "7"]]
WANTED = ["file", "label", "patient"]


def text_of(separator: str = ",", end: str = "\n", tail: str = "") -> str:
    return "".join(separator.join(row) + tail + end for row in ROWS)


def cells_of(path) -> list[list[str]]:
    table = read_text_table(path, WANTED)
    return [list(table.columns), *table.to_numpy().tolist()]


@pytest.mark.parametrize(
    "data",
    [
        text_of().encode(),
        text_of(end="\r\n").encode("utf-8-sig"),
        text_of().encode("utf-16"),
        text_of().encode("utf-16-le"),
        text_of().encode("utf-16-be"),
        text_of().encode("utf-32"),
        text_of(";").encode(),
        ("sep=;\n" + text_of(";")).encode(),
        text_of("\t").encode(),
        text_of("|").encode(),
        text_of(tail=",").encode(),
        text_of(",", tail=",,").encode(),
        text_of(", ").encode(),
        text_of(" , ").encode(),
        ("\n" + text_of() + "\n,,\n").encode(),
        gzip.compress(text_of().encode(), mtime=0),
    ],
)
def test_every_usual_way_to_save_a_table_gives_the_same_cells(tmp_path, data):
    (tmp_path / "labels.csv").write_bytes(data)
    assert cells_of(tmp_path / "labels.csv") == ROWS


@pytest.mark.parametrize("word", ["None", "NA", "null", "nan", "N/A", "NaN", "-", "True"])
def test_words_are_words(tmp_path, word):
    (tmp_path / "labels.csv").write_text(f"file,label,patient\na.png,{word},1\n")
    assert read_text_table(tmp_path / "labels.csv")["label"].tolist() == [word]


def test_trailing_separators_under_a_shorter_header_shift_nothing(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label,patient\na.png,nevus,1,\nb.png,mole,2,\n")
    assert read_text_table(tmp_path / "labels.csv")["label"].tolist() == ["nevus", "mole"]


def test_short_rows_are_filled_with_empty_cells(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label,patient\na.png\n")
    assert read_text_table(tmp_path / "labels.csv").to_numpy().tolist() == [["a.png", "", ""]]


def test_separators_within_quotes_part_nothing(tmp_path):
    (tmp_path / "labels.csv").write_text('file,label,"name, first"\n"a,b.png",nevus,"say ""ah"""\n')
    table = read_text_table(tmp_path / "labels.csv")
    assert table.to_numpy().tolist() == [["a,b.png", "nevus", 'say "ah"']]


def test_decomposed_letters_are_composed(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label,patient\nne\u0301vus.png,ne\u0301vus,1\n", encoding="utf-8")
    assert read_text_table(tmp_path / "labels.csv")["label"].tolist() == ["n\u00e9vus"]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "no row"),
        (b"file,label\n", "a header alone"),
        ("file,label\na.png,n\u00e9vus\n".encode("latin-1"), "not UTF-8 text"),
        (b"PK\x03\x04zip", "an Excel workbook"),
        (b"PAR1rest", "a parquet file"),
        (b'{"file": "a.png"}\n', "JSON"),
        (b"\x1f\x8bno gzip", "gzip data are damaged"),
        (b'file,label\n"a.png,nevus\n', "double quotes"),
        (b"file,label\na.png,nevus,Smith\n", "line 2: 3 cells stand under 2 column names"),
        (b"file,label,label,patient\na.png,x,y,1\n", "2 columns 'label'"),
    ],
)
def test_what_is_no_table_is_refused_with_its_cause_and_without_a_cell(tmp_path, data, cause):
    (tmp_path / "labels.csv").write_bytes(data)
    with pytest.raises(CraftError) as refused:
        read_text_table(tmp_path / "labels.csv", WANTED)
    assert cause in str(refused.value) and "\n" not in str(refused.value)
    assert "Smith" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("0.0", "0"), ("-1.0", "-1"), ("3,0", "3"), ("12.00", "12"), ("007", "007"), ("1.5", "1.5"), ("1.0.0", "1.0.0")],
)
def test_whole_numbers_lose_the_zeros_behind_the_point(text, plain):
    assert plain_number(text) == plain
