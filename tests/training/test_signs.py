"""The table of signs: written, read by image and item, and refused where it is another one."""

import numpy as np
import pandas as pd
import pytest

from craft.core.errors import CraftError
from craft.core.files import write_parquet
from craft.training.signs import NO, UNKNOWN, YES, read_signs, tabulate_signs

IMAGES, ITEMS = ["a", "b"], ["it is round", "it is red", "it is dark"]
ANSWERS = np.array([[YES, NO, UNKNOWN], [NO, UNKNOWN, YES]], dtype=object)


@pytest.fixture
def path(tmp_path):
    write_parquet(tmp_path / "signs.parquet", tabulate_signs(IMAGES, ITEMS, ANSWERS))
    return tmp_path / "signs.parquet"


def test_answers_come_back_by_image_and_item(path):
    assert read_signs(path, IMAGES, ITEMS).tolist() == [[1, -1, 0], [-1, 0, 1]]
    assert read_signs(path, ["b"], ["it is dark", "it is round", "it is dark"]).tolist() == [[1, -1, 1]]


@pytest.mark.parametrize(
    ("images", "items", "message"),
    [
        (["c"], ITEMS, "does not hold the image 'c'"),
        (IMAGES, ["it is green"], "says nothing of the item 'it is green'"),
    ],
)
def test_a_table_of_other_images_or_items_is_refused(path, images, items, message):
    with pytest.raises(CraftError, match=message):
        read_signs(path, images, items)


def test_what_is_no_table_of_signs_is_refused(tmp_path):
    path = tmp_path / "signs.parquet"
    with pytest.raises(CraftError, match="no table"):
        read_signs(path, IMAGES, ITEMS)
    write_parquet(path, pd.DataFrame({"image_id": IMAGES, "item": ITEMS[:2]}))
    with pytest.raises(CraftError, match="the column 'answer' is missing"):
        read_signs(path, IMAGES, ITEMS)
    write_parquet(path, tabulate_signs(IMAGES, ITEMS, np.where(ANSWERS == YES, "perhaps", ANSWERS)))
    with pytest.raises(CraftError, match="the answer 'perhaps', expected yes, no, unknown"):
        read_signs(path, IMAGES, ITEMS)
