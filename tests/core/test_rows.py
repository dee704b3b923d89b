"""Tensor files whose rows belong to images: read back by id, whatever the order."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from craft.core.errors import CraftError
from craft.core.files import write_tensors
from craft.core.rows import pack_ids, read_rows, unpack_ids, write_rows

ROWS = torch.arange(6.0).view(3, 2)


@pytest.fixture
def path(tmp_path):
    write_rows(tmp_path / "rows.safetensors", ["a", "bb", "000003"], {"x": ROWS}, {"scale": torch.ones(1)})
    return tmp_path / "rows.safetensors"


def test_rows_are_found_by_id_in_any_order_and_as_often_as_asked(path):
    found = read_rows(path, "x", ["000003", "a", "a"], "encode_images")
    assert torch.equal(found, ROWS[[2, 0, 0]])


def test_an_image_that_the_file_lacks_is_named(path):
    with pytest.raises(
        CraftError, match=r"does not hold the image 'c' \(1 of 2 are missing\).*--forcerun encode_images"
    ):
        read_rows(path, "x", ["a", "c"], "encode_images")


def test_a_missing_file_and_a_missing_tensor_are_named(path, tmp_path):
    with pytest.raises(CraftError, match=r"no file .*none\.safetensors"):
        read_rows(tmp_path / "none.safetensors", "x", [], "encode_images")
    with pytest.raises(CraftError, match="has no 'y'"):
        read_rows(path, "y", ["a"], "encode_images")
    write_tensors(tmp_path / "old.safetensors", {"x": ROWS})
    with pytest.raises(CraftError, match="has no 'image_ids'"):
        read_rows(tmp_path / "old.safetensors", "x", ["a"], "encode_images")


def test_rows_and_ids_must_be_as_many_and_ids_different(tmp_path):
    with pytest.raises(ValueError, match="'x' has 3 rows for 2 images"):
        write_rows(tmp_path / "rows.safetensors", ["a", "b"], {"x": ROWS})
    with pytest.raises(ValueError, match="occurs twice"):
        write_rows(tmp_path / "rows.safetensors", ["a", "b", "a"], {"x": ROWS})


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8), max_size=6))
def test_ids_survive_being_packed(ids):
    assert unpack_ids(pack_ids(ids)) == ids
