"""The downstream network: its batches, its training and the image models that it can start from."""

import numpy as np
import pytest
import torch
from transformers import ConvNextConfig, ConvNextForImageClassification

from craft.core.errors import CraftError
from craft.core.files import write_json
from craft.evaluation.downstream import classifier
from craft.evaluation.downstream.classifier import (
    Preprocessing,
    augment,
    build_classifier,
    divide_batch,
    draw_batch,
    train_classifier,
    validation_steps,
)
from craft.evaluation.downstream.sets import LabelledImages, TrainingSet
from craft.evaluation.downstream.settings import DownstreamSettings

DOWNSTREAM = DownstreamSettings(seeds=[0, 1], epochs=8, batch=8, learning_rate=5e-3)


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


def test_augmentation_moves_and_flips_but_adds_nothing_new():
    image = torch.zeros(64, 1, 64, 64)
    image[:, :, 20:24, 10:14] = 1
    moved = augment(image, np.random.default_rng(0))
    assert (moved.sum(dim=(1, 2, 3)) == 16).all()
    centres = moved[:, 0].sum(dim=1).argmax(dim=1)
    assert centres.min() < 20 and centres.max() > 40


def test_networks_start_from_the_same_weights_for_the_same_seed():
    first, again, other = (build_classifier(3, seed).classifier[1].weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.fixture(scope="module")
def shades() -> LabelledImages:
    images = make_images([0, 1] * 8, 0.0)
    images.inputs[1::2] += 0.8
    return images


def test_training_separates_two_shades_of_grey(shades):
    model = train_classifier([TrainingSet(shades)], shades, 2, 40, DOWNSTREAM, 0)
    with torch.no_grad():
        chances = model(shades.inputs).logits.softmax(dim=1)
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
    chances = classifier.predict(model, images.inputs[:1])[0]
    assert classifier.balanced_loss(model, images, 2) == pytest.approx(-np.log(chances).mean(), rel=1e-4)


def test_an_image_model_is_read_from_its_folder_and_gets_a_new_head(tmp_path):
    config = ConvNextConfig(num_channels=3, hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, num_labels=5)
    ConvNextForImageClassification(config).save_pretrained(tmp_path)
    write_json(tmp_path / "preprocessor_config.json", {"image_mean": [0.1, 0.2, 0.3], "image_std": [1.0, 1.0, 2.0]})
    model = build_classifier(3, 0, str(tmp_path))
    again, other = build_classifier(3, 0, str(tmp_path)), build_classifier(3, 1, str(tmp_path))
    assert model.classifier.weight.shape[0] == 3
    assert torch.equal(model.classifier.weight, again.classifier.weight)
    assert not torch.equal(model.classifier.weight, other.classifier.weight)
    preprocessing = Preprocessing.of(32, str(tmp_path))
    pixels = preprocessing.apply(np.full((1, 64, 64, 3), 255, np.uint8))
    assert pixels.shape == (1, 3, 32, 32) and pixels[0, :, 0, 0].tolist() == pytest.approx([0.9, 0.8, 0.35])
    with pytest.raises(CraftError, match=r"downstream\.backbones names '.*nowhere'"):
        build_classifier(3, 0, str(tmp_path / "nowhere"))
