"""Downstream classifiers on simple images whose brightness tells the label."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fake_results import LABELS
from transformers import ConvNextConfig, ConvNextForImageClassification

from craft.core.errors import CraftError
from craft.core.files import write_json
from craft.core.images import read_images, write_images
from craft.core.settings import ImageSet
from craft.evaluation.downstream import classifier
from craft.evaluation.downstream.arms import Arm, compare_arms, list_arms
from craft.evaluation.downstream.classifier import (
    LabelledImages,
    Preprocessing,
    TrainingSet,
    augment,
    build_classifier,
    divide_batch,
    draw_batch,
    train_classifier,
    validation_steps,
)
from craft.evaluation.downstream.results import COLUMNS, PREDICTIONS
from craft.evaluation.downstream.settings import DownstreamJob, DownstreamSettings

SCRIPT = Path(__file__).parents[3] / "scripts" / "train_classifier.py"
DOWNSTREAM = DownstreamSettings(seeds=[0, 1], epochs=8, batch=8, learning_rate=5e-3)
SETS = [ImageSet(method="craft", seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def job():
    labels = LABELS["chest"]
    return DownstreamJob(
        dataset="chest", labels=labels, methods=["craft"], seeds=[0, 1], generated=SETS, downstream=DOWNSTREAM
    )


@pytest.fixture(scope="module")
def files(fake_run):
    """The files that the rule hands over."""
    folder = fake_run[0] / "chest"
    generated = [folder / each.method / f"seed{each.seed}/images.parquet" for each in SETS]
    return {"images": folder / "images.parquet", "generated": generated}


@pytest.fixture(scope="module")
def predictions(job, files):
    return compare_arms(job, **files)


def test_every_arm_and_seed_predicts_every_test_image_once(predictions, files):
    assert tuple(predictions.columns) == COLUMNS
    test = read_images(files["images"], "test")
    arms = ["real", "craft", "real+craft", "real@0.1", "real@0.1+craft"]
    assert list(predictions["method"].unique()) == arms == [arm.name for arm in list_arms(["craft"], DOWNSTREAM)]
    for _, rows in predictions.groupby(["method", "seed"]):
        assert rows["image_id"].to_list() == test["image_id"].to_list()
        assert np.allclose(np.stack(rows["probabilities"].to_list()).sum(axis=1), 1)


def test_classifiers_learn_what_the_images_show(predictions):
    accuracy = (predictions["label"] == predictions["predicted"]).groupby(predictions["method"]).mean()
    assert (accuracy.drop("real@0.1") > 0.8).all(), accuracy


def with_one_seed(job: DownstreamJob) -> DownstreamJob:
    seeds = DOWNSTREAM.seeds[:1]
    return job.model_copy(update={"downstream": DOWNSTREAM.model_copy(update={"seeds": seeds})})


def test_the_same_settings_give_the_same_predictions(predictions, job, files):
    again = compare_arms(with_one_seed(job), **files)
    first = predictions[predictions["seed"] == DOWNSTREAM.seeds[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, again)


def test_images_of_a_generator_seed_that_no_classifier_is_paired_with_are_not_read(job, files, tmp_path, monkeypatch):
    monkeypatch.setattr("craft.evaluation.downstream.arms.list_arms", lambda methods, downstream: [Arm(method="craft")])
    unread = {"generated": [files["generated"][0], tmp_path / "nowhere.parquet"]}
    found = compare_arms(with_one_seed(job), **files | unread)
    assert found["method"].unique().tolist() == ["craft"]
    with pytest.raises(CraftError, match="no image table"):
        compare_arms(job, **files | unread)


def test_fewer_files_than_image_sets_are_one_sentence(job, files):
    with pytest.raises(CraftError, match="name 2 image sets, but `--generated` gives 1 files"):
        compare_arms(job, **files | {"generated": files["generated"][:1]})


def test_images_of_an_unknown_label_are_errors(job, files, tmp_path):
    frame = read_images(files["images"]).assign(label="unheard")
    write_images(tmp_path / "images.parquet", frame.to_dict("records"))
    with pytest.raises(CraftError, match="'unheard'"):
        compare_arms(job, **files | {"images": tmp_path / "images.parquet"})


def test_script_writes_what_the_library_finds(predictions, job, files, tmp_path):
    with_one_seed(job).save(tmp_path / "settings.yaml")
    options = ["--images", files["images"], "--predictions", tmp_path / "downstream.parquet"]
    options += [text for path in files["generated"] for text in ("--generated", path)]
    subprocess.run([sys.executable, SCRIPT, tmp_path / "settings.yaml", *options], check=True)
    written = PREDICTIONS.load(tmp_path / "downstream.parquet")
    first = predictions[predictions["seed"] == DOWNSTREAM.seeds[0]].reset_index(drop=True)
    assert written[list(COLUMNS[:5])].equals(first[list(COLUMNS[:5])])


def make_images(labels: list[int], level: float) -> LabelledImages:
    return LabelledImages(
        [str(index) for index in labels], torch.full((len(labels), 3, 64, 64), level), np.array(labels)
    )


def test_batches_are_balanced_over_labels_and_mixed_by_weight():
    few, many = make_images([0] * 90 + [1] * 10, -1.0), make_images([0] * 5 + [1] * 50, 1.0)
    pixels, labels = draw_batch([TrainingSet(few), TrainingSet(many, 3.0)], 2000, np.random.default_rng(0))
    assert (pixels[:, 0, 0, 0] > 0).float().mean().item() == 0.75
    assert labels.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert divide_batch([1.0, 99.0], 8) == [1, 7] and divide_batch([1.0, 1.0], 7) == [4, 3]


def test_arms_hold_every_ratio_and_every_share_of_the_real_images():
    settings = DOWNSTREAM.model_copy(
        update={"ratios": [1.0, 2.0], "real_shares": [0.01, 0.1], "low_data_methods": ["b"]}
    )
    names = [arm.name for arm in list_arms(["a", "b"], settings)]
    assert names[:3] == ["real", "a", "b"] and names[3:7] == ["real+a", "real+a@2", "real+b", "real+b@2"]
    assert names[7:] == ["real@0.01", "real@0.01+b", "real@0.1", "real@0.1+b"]
    assert Arm(method="a").share == 0


def test_a_share_keeps_at_least_one_image_a_label_and_lies_within_a_larger_share():
    images = make_images([0] * 50 + [1] * 8, 0.0)
    images.ids[:] = map(str, range(58))
    small, large = images.share(0.02, 3), images.share(0.5, 3)
    assert np.bincount(small.labels).tolist() == [1, 1] and np.bincount(large.labels).tolist() == [25, 4]
    assert set(small.ids) <= set(large.ids) and images.share(1.0, 3) is images
    assert set(images.share(0.02, 4).ids) != set(small.ids)


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


@pytest.fixture(scope="module")
def shades() -> LabelledImages:
    images = make_images([0, 1] * 8, 0.0)
    images.pixels[1::2] += 0.8
    return images


def test_training_separates_two_shades_of_grey(shades):
    model = train_classifier([TrainingSet(shades)], shades, 2, 40, DOWNSTREAM, 0)
    with torch.no_grad():
        chances = model(shades.pixels).logits.softmax(dim=1)
    assert chances[0, 0] > 0.9 and chances[1, 1] > 0.9


def test_training_ends_early_in_the_state_that_real_images_liked_best(shades, monkeypatch):
    losses, states = iter([0.9, 0.5, 0.6, 0.7, 0.1]), []

    def scripted(model, images, labels):
        states.append(model.classifier[1].weight.clone())
        return next(losses)

    monkeypatch.setattr(classifier, "balanced_loss", scripted)
    settings = DOWNSTREAM.model_copy(update={"validations": 5, "patience": 2})
    model = train_classifier([TrainingSet(shades)], shades, 2, 40, settings, 0)
    assert len(states) == 4 and torch.equal(model.classifier[1].weight, states[1])


def test_validations_lie_in_the_second_half_of_a_training_and_one_at_its_end():
    assert validation_steps(40, 4) == {25, 30, 35, 40} and validation_steps(2, 4) == {1, 2}


def test_every_label_weighs_the_same_in_the_loss_that_ends_a_training():
    images = make_images([0] * 9 + [1], 0.3)
    model = build_classifier(2, 0).eval()
    chances = classifier.predict(model, images.pixels[:1])[0]
    assert classifier.balanced_loss(model, images, 2) == pytest.approx(-np.log(chances).mean(), rel=1e-4)


def test_a_backbone_is_read_from_its_folder_and_gets_a_new_head(tmp_path):
    config = ConvNextConfig(num_channels=3, hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, num_labels=5)
    ConvNextForImageClassification(config).save_pretrained(tmp_path)
    write_json(tmp_path / "preprocessor_config.json", {"image_mean": [0.1, 0.2, 0.3], "image_std": [1.0, 1.0, 2.0]})
    model = build_classifier(3, 0, str(tmp_path))
    again, other = build_classifier(3, 0, str(tmp_path)), build_classifier(3, 1, str(tmp_path))
    assert model.classifier.weight.shape[0] == 3
    assert torch.equal(model.classifier.weight, again.classifier.weight)
    assert not torch.equal(model.classifier.weight, other.classifier.weight)
    preprocessing = Preprocessing.of(DownstreamSettings(backbone=str(tmp_path), image_size=32))
    pixels = preprocessing.apply(np.full((1, 64, 64, 3), 255, np.uint8))
    assert pixels.shape == (1, 3, 32, 32) and pixels[0, :, 0, 0].tolist() == pytest.approx([0.9, 0.8, 0.35])
    with pytest.raises(CraftError, match=r"downstream\.backbone '.*nowhere'"):
        build_classifier(3, 0, str(tmp_path / "nowhere"))


def test_limit_keeps_the_same_images_of_every_label():
    images = make_images([0] * 10 + [1] * 4, 0.0)
    few = images.limit(3, seed=1)
    assert np.bincount(few.labels).tolist() == [3, 3] and images.limit(None, seed=1) is images
