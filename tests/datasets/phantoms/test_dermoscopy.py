"""The dermoscopy phantom: what is drawn is what is seen and what is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.dermoscopy import MODALITY
from craft.knowledge.schema import Knowledge

BANK = Path(__file__).parents[3] / "data" / "knowledge" / "dermoscopy.yaml"
COUNTS = ("hairs", "globules", "cysts", "openings", "streaks")
PLAIN = dict.fromkeys(COUNTS, 0) | {"vignette": 0.0, "network": 0.0, "ridges": 0.0, "exposure": 1.0}
NO_PATCH = dict.fromkeys([f"{colour}_share" for colour in ("dark_brown", "black", "red", "white", "blue_grey")], 0.0)


def lesion(label: str, index: int = 0, **changes):
    return replace(MODALITY.draw(label, np.random.default_rng(index)), **changes)


def picture(attributes, size: int = 64) -> np.ndarray:
    return MODALITY.render(attributes, size, np.random.default_rng(5)).astype(float) / 255


def many(label: str, number: int = 200) -> list:
    return [lesion(label, index) for index in range(number)]


@pytest.mark.parametrize("label", MODALITY.labels)
def test_the_same_seed_is_the_same_phantom_and_another_index_is_not(label):
    first, again, other = (make_phantom(MODALITY, label, 64, 3, index) for index in (1, 1, 2))
    assert np.array_equal(first.image, again.image) and first.caption == again.caption
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("label", MODALITY.labels)
def test_the_scene_does_not_depend_on_the_size(label):
    for index in range(8):
        small, large = (make_phantom(MODALITY, label, size, 3, index).image.astype(float) for size in (64, 128))
        halved = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
        assert np.abs(small - halved).mean() < 4.0


def test_the_measured_area_follows_the_drawn_area():
    for area in (0.10, 0.18, 0.28):
        shape = {"lesion_area": area, "edge_sharpness": 1.0, "skin_tone": 0.1, "pigment": 1.0}
        image = picture(lesion("melanoma", **shape, **PLAIN, **NO_PATCH), 128)
        assert np.mean(image[..., 1] < 0.5) == pytest.approx(area, rel=0.12)


def test_cysts_brighten_and_openings_darken_the_lesion():
    bare = lesion("benign_keratosis", skin_tone=0.2, **PLAIN, **NO_PATCH)
    cysts = picture(replace(bare, cysts=6)) - picture(bare)
    openings = picture(replace(bare, openings=5)) - picture(bare)
    assert 30 < np.sum(cysts.mean(axis=2) > 0.12) < 200
    assert 20 < np.sum(openings.mean(axis=2) < -0.12) < 200


def test_the_veil_is_bluer_than_the_lesion_below_it_and_as_large_as_drawn():
    bare = lesion("melanoma", skin_tone=0.2, lesion_area=0.25, asymmetry=0.3, **PLAIN, **NO_PATCH)
    for share in (0.1, 0.25):
        change = picture(replace(bare, blue_grey_share=share), 128) - picture(bare, 128)
        bluer = change[..., 2] - change[..., 0]
        assert bluer.max() > 0.25
        assert np.mean(bluer > 0.5 * bluer.max()) == pytest.approx(share * 0.25, rel=0.3)


def test_labels_differ_in_their_signs_but_overlap():
    nevi, melanomas, keratoses = (many(label) for label in MODALITY.labels)
    asymmetry = [np.array([a.asymmetry for a in group]) for group in (nevi, melanomas)]
    assert asymmetry[1].mean() > asymmetry[0].mean() + 0.3
    assert asymmetry[1].min() < asymmetry[0].max()
    assert np.mean([a.cysts for a in keratoses]) > 2 + np.mean([a.cysts for a in nevi])
    assert np.mean([a.colour_count for a in melanomas]) > 1 + np.mean([a.colour_count for a in nevi])
    for a in nevi + melanomas + keratoses:
        assert 0.08 <= a.lesion_area <= 0.34 and 1 <= a.colour_count <= 6 and 0 <= a.skin_tone <= 1


def test_captions_are_short_and_their_clear_signs_are_fragments_of_bank_statements():
    bank = Knowledge.load(BANK).select(list(MODALITY.labels))
    items = [item for knowledge in bank.labels.values() for item in knowledge.checklist]
    statements = " | ".join(text for item in items for text in (item.present, item.absent))
    graded = ("mildly", "slightly", "faint", "a few", "a single")
    for label in MODALITY.labels:
        for index in range(1500):
            caption = MODALITY.describe(lesion(label, index), np.random.default_rng(index))
            opening, *signs = caption.split(", ")
            assert bank.labels[label].name in opening
            assert len(caption.split()) <= 28 and caption == caption.lower()
            assert 2 <= len(signs) <= 4
            for sign in signs:
                assert any(word in sign for word in graded) or sign in statements, sign


def test_captions_say_what_was_drawn():
    for label in MODALITY.labels:
        for index in range(100):
            phantom = make_phantom(MODALITY, label, 16, 1, index)
            if "no milia-like cysts" in phantom.caption:
                assert phantom.attributes["cysts"] == 0
            if "a blue-white veil" in phantom.caption:
                assert phantom.attributes["blue_grey_share"] > 0.06
            if "asymmetric" in phantom.caption:
                assert phantom.attributes["asymmetry"] >= 0.32


def test_every_label_of_the_phantoms_has_enough_short_descriptions_and_items():
    bank = Knowledge.load(BANK)
    assert set(MODALITY.labels) <= set(bank.labels)
    assert tuple(bank.coarse_prompts) == MODALITY.coarse_captions
    for knowledge in bank.select(list(MODALITY.labels)).labels.values():
        assert len(knowledge.described()) >= 8 and len(knowledge.checklist) >= 5
        assert all(len(text.split()) <= 26 for text in knowledge.described().values())
        assert all(len(text.split()) <= 16 for item in knowledge.checklist for text in (item.present, item.absent))
