"""Reader of a parquet table: labels beside images, whose bytes are read group by group."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from craft.core.errors import CraftError
from craft.core.images import encode_png
from craft.datasets.prepare import prepare
from craft.datasets.preprocess import UnreadableImage
from craft.datasets.readers.image_table import ImageTableDataset

SPLITS = dict.fromkeys(("train", "reference", "held_out_reference", "calibration", "test"), 0.2)


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(count)]


def settings(**keys) -> ImageTableDataset:
    known = {"reader": "image_table", "modality": "dermoscopy", "path": "made.parquet", "labels": ["a", "b"]}
    return ImageTableDataset(**(known | {"splits": SPLITS} | keys))


@pytest.fixture
def made(tmp_path, monkeypatch) -> list[np.ndarray]:
    """60 images in $CRAFT_DATA/made.parquet, in groups of seven rows, labelled by number, of 30 patients."""
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    images = pictures(60)
    table = pa.table(
        {
            "image": [encode_png(image) for image in images],
            "class": [row % 2 for row in range(60)],
            "patient": [f"p{row // 2}" for row in range(60)],
        }
    )
    pq.write_table(table, tmp_path / "made.parquet", row_group_size=7)
    return images


def test_every_row_is_its_image_in_whatever_order_they_are_asked_for(made):
    raw = settings(label_column="class", label_names={0: "a", 1: "b"}, group_column="patient").read()
    for row in (59, 0, 30, 31, 6, 7):
        assert np.array_equal(raw[row].load(32)[0], made[row])
        assert (raw[row].label, raw[row].group) == ("ab"[row % 2], f"p{row // 2}")


def test_a_table_is_a_dataset(made):
    made = prepare("skin", settings(label_column="class", label_names={0: "a", 1: "b"}, split_seed=3), 32)
    assert len(made.rows) == 60 and made.quarantine.empty and made.left_out.empty


def test_a_cell_may_name_a_file_beside_the_table(tmp_path, monkeypatch):
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    Image.fromarray(pictures(1)[0]).save(tmp_path / "one.png")
    cells = [{"bytes": None, "path": "one.png"}, {"bytes": None, "path": "two.png"}]
    pq.write_table(pa.table({"image": cells, "label": ["a", "b"]}), tmp_path / "made.parquet")
    one, two = settings().read()
    assert np.array_equal(one.load(32)[0], pictures(1)[0])
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        two.load(32)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: None, "no image table .*made.parquet"),
        (lambda path: path.write_text("no table"), "cannot be read as a parquet table"),
        (lambda path: pd.DataFrame({"label": ["a", "b"]}).to_parquet(path), "has no column 'image', only label"),
        (lambda path: pd.DataFrame({"image": [b"", b""]}).to_parquet(path), "has no column 'label', only image"),
        (
            lambda path: pd.DataFrame({"image": [b"", b""], "label": ["a", "c"]}).to_parquet(path),
            "holds no image labelled 'b', only 'a', 'c'",
        ),
    ],
)
def test_a_broken_table_is_one_sentence(tmp_path, monkeypatch, write, sentence):
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    write(tmp_path / "made.parquet")
    with pytest.raises(CraftError, match=sentence):
        settings().read()


def test_text_that_another_program_wrote_as_bytes_is_text(tmp_path, monkeypatch):
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    images = [encode_png(image) for image in pictures(2)]
    pq.write_table(pa.table({"image": images, "label": [b"a", b"b"], "file": [b"x", b"y"]}), tmp_path / "made.parquet")
    assert [(raw.file, raw.label) for raw in settings().read()] == [("made.parquet:x", "a"), ("made.parquet:y", "b")]


def test_the_column_of_patients_taken_for_labels_shows_none_of_them(made):
    with pytest.raises(CraftError, match="values that may be ids and are not shown") as told:
        settings(label_column="patient", group_column="patient").read()
    assert "p1" not in str(told.value)
