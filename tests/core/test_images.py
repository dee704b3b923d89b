"""Image tables in parts: no part is larger than asked, none is lost, and labels are read without the pixels."""

import numpy as np
import pandas as pd
import pytest

from craft.core import images
from craft.core.errors import CraftError
from craft.core.images import (
    COLUMNS,
    decode_images,
    image_row,
    read_images,
    read_images_of,
    read_texts,
    stream_images,
    stream_pixels,
    write_images,
)

SPLITS = ("train", "test", "train", "calibration")


def rows(count: int) -> list[dict]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8)
    return [
        image_row(image, label="ab"[row % 2], split=SPLITS[row % 4], origin="noise") for row, image in enumerate(pixels)
    ]


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "GROUP", 4)
    assert write_images(tmp_path / "images.parquet", iter(rows(22))) == 22
    return tmp_path / "images.parquet"


def test_rows_are_written_as_they_come_and_read_back(table):
    pd.testing.assert_frame_equal(read_images(table)[list(COLUMNS)], pd.DataFrame(rows(22))[list(COLUMNS)])


def test_rows_that_cannot_be_made_leave_no_table(tmp_path):
    def broken():
        yield rows(1)[0]
        raise CraftError("no more")

    with pytest.raises(CraftError, match="no more"):
        write_images(tmp_path / "images.parquet", broken())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("split", [None, "train"])
def test_texts_are_those_of_the_whole_table_without_its_images(table, split):
    pd.testing.assert_frame_equal(read_texts(table, split), read_images(table, split).drop(columns="image"))


@pytest.mark.parametrize("split", [None, "train", "calibration"])
def test_parts_are_full_whatever_the_order_of_the_splits(table, split):
    parts, whole = list(stream_images(table, split, batch=5)), read_images(table, split)
    assert [len(part) for part in parts[:-1]] == [5] * (len(parts) - 1) and len(parts[-1]) <= 5
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True)[list(COLUMNS)], whole[list(COLUMNS)])


def test_pixels_come_with_their_rows(table):
    for frame, pixels in stream_pixels(table, "test"):
        assert np.array_equal(pixels, decode_images(frame)) and set(frame["split"]) == {"test"}
    with pytest.raises(CraftError, match="no image of split 'reference'"):
        list(stream_pixels(table, "reference"))


@pytest.mark.parametrize("cell", [None, {"bytes": None}, {"path": "x.png"}, "text"])
def test_a_cell_without_bytes_is_one_sentence(cell):
    frame = pd.DataFrame({"image_id": ["first"], "image": [cell]})
    with pytest.raises(CraftError, match=r"the image 'first' of an image table has no bytes; make the table again"):
        decode_images(frame)


def test_the_images_of_one_split_are_read_among_the_texts_of_all(tmp_path):
    images = np.random.default_rng(3).integers(0, 255, (4, 16, 16, 3), dtype=np.uint8)
    splits = ("train", "test", "train", "test")
    rows = [
        image_row(image, label="nevus", split=split, origin="drawn")
        for image, split in zip(images, splits, strict=True)
    ]
    write_images(tmp_path / "images.parquet", rows)
    whole, part = read_images(tmp_path / "images.parquet"), read_images_of(tmp_path / "images.parquet", "test")
    assert part.drop(columns="image").equals(whole.drop(columns="image")[part.columns.drop("image")])
    assert part["image"].isna().to_list() == [True, False, True, False]
    assert (decode_images(part[part["split"] == "test"]) == images[1::2]).all()
