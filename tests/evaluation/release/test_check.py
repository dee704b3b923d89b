"""The check before a release: what it measures of a foundation, and what it calls a fault."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from anatomies import draw_phantoms
from tiny import tiny_encoder, tiny_foundation, tiny_knowledge

from craft.core.images import to_tensor
from craft.core.sheets import write_sheet
from craft.evaluation.release.check import Checked, Quality, check_modality
from craft.models.phantom_classifier import PhantomClassifier
from craft.training.settings import SamplingSettings

GOOD = Quality(
    images=400,
    accuracy=0.92,
    accuracy_decoded=0.91,
    recall_decoded=0.95,
    kid_decoded=0.3,
    kid_sampled=0.5,
    diversity_decoded=0.3,
    diversity_sampled=0.3,
    found_decoded=0.98,
    found_sampled=0.96,
    modality_share=1.0,
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recall_decoded": 0.5}, "cover 0.50"),
        ({"found_sampled": 0.9}, "0.90 of the samples show anatomy"),
        ({"kid_sampled": 0.7}, "KID is 0.70"),
    ],
)
def test_what_falls_short_of_a_release_is_said(change, said):
    assert GOOD.faults == []
    (fault,) = replace(GOOD, **change).faults
    assert said in fault
    assert replace(GOOD, **change).report()["faults"] == [fault]


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    classifier = PhantomClassifier.build({"dermoscopy": ["nevus", "melanoma"], "fundus": ["no_dr"]})
    frozen = classifier.requires_grad_(False).eval()
    return Checked(tiny_foundation(32), frozen, tiny_encoder(), SamplingSettings(steps=2), neighbours=3)


def phantoms():
    images, names = draw_phantoms("dermoscopy", 5, 12)
    kept = [(image[::2, ::2], name) for image, name in zip(images, names, strict=True) if name != "benign_keratosis"]
    labels = np.array([list(tiny_knowledge().labels).index(name) for _, name in kept])
    return to_tensor(np.stack([image for image, _ in kept])), labels


def test_an_untrained_foundation_is_measured_and_falls_short(models):
    images, labels = phantoms()
    quality, samples = check_modality(models, tiny_knowledge(), images, labels, 16)
    assert samples.shape == (16, 32, 32, 3) and samples.dtype == np.uint8
    assert quality.images == 24 and quality.recall_decoded < 0.9
    assert any("cover" in fault for fault in quality.faults)
    again, same = check_modality(models, tiny_knowledge(), images, labels, 16)
    assert again == quality and np.array_equal(samples, same)


def test_a_foundation_that_gives_the_phantoms_back_loses_nothing(models, monkeypatch):
    images, labels = phantoms()
    monkeypatch.setattr(models.foundation, "reconstruct", lambda images: images)
    quality, _ = check_modality(models, tiny_knowledge(), images, labels, 16)
    assert quality.recall_decoded == 1.0 and quality.accuracy_decoded == quality.accuracy
    assert quality.found_decoded > quality.found_sampled
    assert quality.kid_decoded < quality.kid_sampled


def test_a_sheet_holds_every_image_pixel_by_pixel(tmp_path):
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 255, (10, 4, 6, 3), dtype=np.uint8)
    write_sheet(tmp_path / "sheets" / "a.png", images, columns=4)
    sheet = np.asarray(Image.open(tmp_path / "sheets" / "a.png"))
    assert sheet.shape == (3 * 4 + 2 * 2, 4 * 6 + 3 * 2, 3)
    assert np.array_equal(sheet[6:10, 8:14], images[5])
