"""Drawn attributes as numbers: standardised within their dataset, words as columns, and no label among them."""

import json

import numpy as np
import pytest

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.training.attributes import Attributes


def write(*images: dict) -> list[str]:
    return [json.dumps(image) for image in images]


def read(attributes: list[str], modality: str = "fundus") -> Attributes:
    """Attributes of one dataset."""
    return Attributes.read(attributes, np.zeros(len(attributes), int), [modality])


def test_numbers_are_standardised_and_booleans_count_as_zero_and_one():
    found = read(write({"width": 1, "fluid": True}, {"width": 3, "fluid": False}, {"width": 8, "fluid": False}))
    assert found.names == ["fundus/width", "fundus/fluid"]
    assert found.values.mean(0) == pytest.approx([0, 0], abs=1e-6)
    assert found.values.std(0, ddof=1) == pytest.approx([1, 1], abs=1e-6)
    assert found.values[0, 1] > 0 > found.values[1, 1] == found.values[2, 1]
    assert found.known.all() and found.values.dtype == np.float32


def test_a_word_is_one_column_for_each_of_its_values():
    found = read(write({"eye": "left"}, {"eye": "right"}, {"eye": "none"}, {"eye": "left"}))
    assert found.names == ["fundus/eye_left", "fundus/eye_none", "fundus/eye_right"]
    assert (found.values > 0).argmax(1).tolist() == [0, 2, 1, 0] and ((found.values > 0).sum(1) == 1).all()


def test_the_label_and_what_never_changes_are_left_out():
    found = read(write({"label": "a", "size": 1, "zoom": 2.0}, {"label": "b", "size": 2, "zoom": 2.0}))
    assert found.names == ["fundus/size"]


def test_each_dataset_has_its_own_columns_which_the_others_do_not_know():
    attributes = [*write({"size": 1}, {"width": 10}, {"size": 3}, {"width": 30}), ""]
    found = Attributes.read(attributes, np.array([0, 1, 0, 1, 1]), ["fundus", "chest_xray"])
    assert found.names == ["fundus/size", "chest_xray/width"]
    assert found.known.tolist() == [[True, False], [False, True]] * 2 + [[False, False]]
    assert (found.values[~found.known] == 0).all()
    assert found.values[found.known] == pytest.approx([-np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(0.5), np.sqrt(0.5)])


def test_images_of_which_nothing_was_drawn_have_no_attributes():
    found = read(["", "", ""])
    assert found.names == [] and found.values.shape == found.known.shape == (3, 0)


def test_all_attributes_of_phantoms_are_finite_numbers():
    modality = find_modality("chest_xray")
    drawn = [make_phantom(modality, label, 32, 0, index).attributes for label in modality.labels for index in range(2)]
    found = read(write(*drawn), "chest_xray")
    assert {"chest_xray/cardiothoracic_ratio", "chest_xray/gastric_bubble"} <= set(found.names)
    assert not any("label" in name for name in found.names)
    assert np.isfinite(found.values).all() and found.known.all()
