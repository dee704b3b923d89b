"""Downstream classifiers on simple images whose brightness tells the label."""

import numpy as np
import pandas as pd
import pytest
import torch
from fake_results import LABELS

from craft.core.config.evaluation import Downstream
from craft.core.errors import CraftError
from craft.core.images import read_images, write_images
from craft.core.settings import DownstreamSettings
from craft.evaluation.downstream import (
    Images,
    augment,
    build_classifier,
    compare_arms,
    draw_batch,
    list_arms,
    train_classifier,
)

SPEC = Downstream(seeds=[0, 1], epochs=12, batch=8, learning_rate=5e-3)


@pytest.fixture(scope="module")
def settings():
    return DownstreamSettings(dataset="chest", labels=LABELS["chest"], methods=["craft"], seeds=[0, 1], spec=SPEC)


@pytest.fixture(scope="module")
def predictions(fake_run, settings):
    folder = fake_run[0] / "chest"
    return compare_arms(settings, folder / "images.parquet", folder)


def test_every_arm_and_seed_predicts_every_test_image_once(predictions, fake_run):
    test = read_images(fake_run[0] / "chest/images.parquet", "test")
    assert set(predictions["method"]) == {"real", "craft", "real+craft"} == set(list_arms(["craft"]))
    for _, rows in predictions.groupby(["method", "seed"]):
        assert rows["image_id"].to_list() == test["image_id"].to_list()
        assert np.allclose(np.stack(rows["probabilities"].to_list()).sum(axis=1), 1)


def test_classifiers_learn_what_the_images_show(predictions):
    accuracy = (predictions["label"] == predictions["predicted"]).groupby(predictions["method"]).mean()
    assert (accuracy > 0.8).all(), accuracy


def test_the_same_settings_give_the_same_predictions(predictions, fake_run, settings):
    folder = fake_run[0] / "chest"
    again = compare_arms(settings, folder / "images.parquet", folder)
    pd.testing.assert_frame_equal(predictions, again)


def test_images_of_an_unknown_label_are_errors(fake_run, settings, tmp_path):
    folder = fake_run[0] / "chest"
    frame = read_images(folder / "images.parquet").assign(label="unheard")
    write_images(tmp_path / "images.parquet", frame.to_dict("records"))
    with pytest.raises(CraftError, match="'unheard'"):
        compare_arms(settings, tmp_path / "images.parquet", folder)


def make_images(labels: list[int], level: float) -> Images:
    return Images([str(index) for index in labels], torch.full((len(labels), 3, 64, 64), level), np.array(labels))


def test_batches_are_balanced_over_labels_and_over_sources():
    sources = [make_images([0] * 90 + [1] * 10, -1.0), make_images([0] * 5 + [1] * 50, 1.0)]
    pixels, labels = draw_batch(sources, 2000, np.random.default_rng(0))
    assert (pixels[:, 0, 0, 0] > 0).float().mean().item() == 0.5
    assert labels.float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_augmentation_moves_and_flips_but_adds_nothing_new():
    image = torch.zeros(64, 1, 64, 64)
    image[:, :, 20:24, 10:14] = 1
    moved = augment(image, np.random.default_rng(0))
    assert (moved.sum(dim=(1, 2, 3)) == 16).all()
    centres = moved[:, 0].sum(dim=1).argmax(dim=1)
    assert centres.min() < 20 and centres.max() > 40


def test_arms_start_from_the_same_weights_for_the_same_seed():
    first, again, other = (build_classifier(3, seed).classifier[1].weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_training_separates_two_shades_of_grey():
    images = make_images([0, 1] * 8, 0.0)
    images.pixels[1::2] += 0.8
    model = train_classifier([images], 2, 40, SPEC, 0)
    with torch.no_grad():
        chances = model(images.pixels).logits.softmax(dim=1)
    assert chances[0, 0] > 0.9 and chances[1, 1] > 0.9


def test_limit_keeps_the_same_images_of_every_label():
    images = make_images([0] * 10 + [1] * 4, 0.0)
    few = images.limit(3, seed=1)
    assert np.bincount(few.labels).tolist() == [3, 3] and images.limit(None, seed=1) is images
