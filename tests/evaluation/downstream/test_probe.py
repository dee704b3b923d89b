"""Logistic regression on features whose labels are known."""

import logging

import numpy as np
import pytest
import torch
from fake_results import make_rows

from craft.core.errors import CraftError
from craft.core.images import read_images, write_images
from craft.core.rows import write_rows
from craft.evaluation.downstream import probe
from craft.evaluation.downstream.probe import Probe, centre_and_scale, weigh_images
from craft.evaluation.downstream.sets import LabelledImages, TrainingSet

LABELS = ["a", "b", "c"]
PROBE = Probe("net", LABELS, strength=0.01)


def make_set(seed: int, counts: tuple[int, ...] = (30, 30, 30), apart: float = 3.0, width: int = 50) -> LabelledImages:
    """Gaussian clouds, one for each label."""
    labels = np.repeat(np.arange(len(counts)), counts)
    inputs = np.random.default_rng(seed).normal(size=(len(labels), width)) + apart * np.eye(width)[labels]
    return LabelledImages([str(row) for row in range(len(labels))], inputs, labels)


def classify(*sets: TrainingSet, strength: float = 0.01) -> np.ndarray:
    return Probe("net", LABELS, strength).classify(list(sets), make_set(8), make_set(9), 90, 0)


def test_labels_that_features_show_are_told_and_probabilities_sum_to_one():
    found = classify(TrainingSet(make_set(0)))
    assert found.shape == (90, 3) and found.sum(axis=1) == pytest.approx(np.ones(90))
    assert (found.argmax(axis=1) == make_set(9).labels).mean() > 0.9


def test_the_scale_of_all_features_and_where_they_lie_changes_nothing():
    def moved(images: LabelledImages) -> LabelledImages:
        return LabelledImages(images.ids, 100 * images.inputs + 7, images.labels)

    there = PROBE.classify([TrainingSet(moved(make_set(0)))], make_set(8), moved(make_set(9)), 90, 0)
    assert there == pytest.approx(classify(TrainingSet(make_set(0))), abs=1e-4)


def test_columns_that_hardly_vary_keep_their_place_behind_the_others():
    inputs = np.random.default_rng(0).normal(size=(20, 3)) * [1, 1, 1e-6]
    mean, scale = centre_and_scale(inputs, np.ones(20))
    assert ((inputs - mean) / scale)[:, 2].std() < 1e-5 and mean == pytest.approx(inputs.mean(axis=0))
    assert centre_and_scale(np.ones((4, 2)), np.ones(4))[1] == 1


def test_sets_weigh_by_their_weight_and_labels_of_a_set_alike_whatever_their_number():
    few, many = make_set(0, (1, 3, 0)), make_set(1, (30, 10, 20))
    weights = weigh_images([TrainingSet(few), TrainingSet(many, 3.0)])
    assert weights.sum() == pytest.approx(64) and weights[:4].sum() == pytest.approx(16)
    assert weights[0] == pytest.approx(weights[1:4].sum()) and weights[4:34].sum() == pytest.approx(16)


def test_a_rare_label_is_told_too():
    found = classify(TrainingSet(make_set(0, (200, 6, 200))))
    assert (found.argmax(axis=1)[30:60] == 1).mean() > 0.6


def test_a_label_that_no_image_has_gets_no_chance():
    found = classify(TrainingSet(make_set(0, (20, 0, 20))))
    assert (found[:, 1] == 0).all() and found.sum(axis=1) == pytest.approx(np.ones(90))


def test_separable_features_of_any_width_converge(caplog, monkeypatch):
    with caplog.at_level(logging.WARNING):
        classify(TrainingSet(make_set(0, apart=30)), strength=10)
        assert not caplog.records
        monkeypatch.setattr(probe, "ITERATIONS", 1)
        with pytest.warns(match="failed to converge"):
            classify(TrainingSet(make_set(0)))
    assert "did not converge" in caplog.text


def test_features_are_those_of_the_images_by_their_ids(tmp_path):
    write_images(tmp_path / "images.parquet", make_rows(np.random.default_rng(0), LABELS, "test", 3))
    ids = read_images(tmp_path / "images.parquet")["image_id"].to_list()
    write_rows(tmp_path / "f.safetensors", ids[::-1], {"net/images": torch.arange(9.0)[:, None]})
    found = PROBE.read(tmp_path / "images.parquet", tmp_path / "f.safetensors", "test")
    assert found.inputs[:, 0].tolist() == list(range(8, -1, -1)) and found.ids == ids
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    with pytest.raises(CraftError, match="has no 'other/images'"):
        Probe("other", LABELS, 1.0).read(tmp_path / "images.parquet", tmp_path / "f.safetensors")
