"""The chest radiograph phantom: what is drawn is what is seen and what is said."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.chest_xray import MODALITY
from craft.datasets.phantoms.chest_xray.attributes import LOBES
from craft.knowledge.schema import Knowledge

BANK = Path(__file__).parents[3] / "data" / "knowledge" / "chest_xray.yaml"
STRAIGHT = {"zoom": 1.0, "shift_x": 0.0, "shift_y": 0.0, "tilt": 0.0, "rotation": 0.0, "mediastinal_shift": 0.0}
CLEAR = {"right_fluid": 0.0, "left_fluid": 0.0, "opacity_density": 0.0, "opacity_size": 0.0, "air_bronchograms": False}
PLAIN = STRAIGHT | CLEAR | {"breast": 0.0, "exposure": 1.0, "contrast": 1.0, "gastric_bubble": 0.0, "inspiration": 0.6}


def chest(label: str, index: int = 0, **changes):
    return replace(MODALITY.draw(label, np.random.default_rng(index)), **changes)


def picture(attributes, size: int = 128) -> np.ndarray:
    return MODALITY.render(attributes, size, np.random.default_rng(5)).astype(float)[..., 0] / 255


def many(label: str, number: int = 300) -> list:
    return [chest(label, index) for index in range(number)]


@pytest.mark.parametrize("label", MODALITY.labels)
def test_the_same_seed_is_the_same_phantom_and_another_index_is_not(label):
    first, again, other = (make_phantom(MODALITY, label, 64, 3, index) for index in (1, 1, 2))
    assert np.array_equal(first.image, again.image) and first.caption == again.caption
    assert not np.array_equal(first.image, other.image)
    assert np.ptp(first.image, axis=2).max() == 0


@pytest.mark.parametrize("label", MODALITY.labels)
def test_the_scene_does_not_depend_on_the_size(label):
    for index in range(8):
        small, large = (make_phantom(MODALITY, label, size, 3, index).image.astype(float) for size in (64, 128))
        halved = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
        assert np.abs(small - halved).mean() < 4.0


def test_the_measured_heart_width_follows_the_drawn_ratio():
    plain = chest("no_finding", **PLAIN, roundness=0.5, rib_contrast=0.0)
    for ratio in (0.42, 0.50, 0.60):
        image = picture(replace(plain, cardiothoracic_ratio=ratio), 256)
        row = image[int((0.5 + plain.angle_height - 0.15) * 256)]
        lung = int(0.45 * plain.chest_width * 256)
        bright = row > 0.5 * (row[128] + row[128 - lung : 128 + lung].min())
        sides = (np.argmin(bright[128:]), np.argmin(bright[128::-1]))
        assert sum(sides) / 256 / plain.chest_width == pytest.approx(ratio, abs=0.03)


def test_fluid_whitens_its_own_side_from_below_in_step_with_its_height():
    plain = chest("pleural_effusion", **PLAIN)
    bare, areas = picture(plain), []
    for height in (0.1, 0.3, 0.6):
        change = picture(replace(plain, left_fluid=height)) - bare
        areas.append(np.mean(change > 0.15))
        rows, columns = np.nonzero(change > 0.15)
        assert columns.min() > 64 and rows.mean() > 64
    assert 0.0015 < areas[0] < 0.6 * areas[1] < 0.4 * areas[2]
    assert np.nonzero(picture(replace(plain, right_fluid=0.3)) - bare > 0.15)[1].max() < 64


@pytest.mark.parametrize("lobe", LOBES)
def test_an_opacity_is_seen_in_its_lobe_and_grows_with_size_and_density(lobe):
    plain = chest("consolidation", **PLAIN | {"opacity_lobe": lobe, "opacity_size": 0.12, "cardiothoracic_ratio": 0.42})
    change = picture(replace(plain, opacity_density=0.8)) - picture(plain)
    rows, columns = np.nonzero(change > 0.1)
    seen = (columns.mean() / 128 - 0.5, rows.mean() / 128 - 0.5)
    assert np.hypot(*np.subtract(seen, LOBES[lobe])) < 0.09
    faint = picture(replace(plain, opacity_density=0.3)) - picture(plain)
    small = picture(replace(plain, opacity_density=0.8, opacity_size=0.07)) - picture(plain)
    assert faint.max() < 0.6 * change.max()
    assert np.mean(small > 0.1) < 0.6 * np.mean(change > 0.1)
    bronchi = picture(replace(plain, opacity_density=0.8, air_bronchograms=True)) - picture(plain) - change
    assert bronchi.min() < -0.08 and bronchi.max() < 0.03


def test_labels_differ_in_their_signs_but_overlap():
    healthy, large, wet, white = (many(label) for label in MODALITY.labels)
    for a in healthy + wet + white:
        assert 0.38 <= a.cardiothoracic_ratio <= 0.54
    assert all(0.50 <= a.cardiothoracic_ratio <= 0.70 for a in large)
    assert all(0.05 <= a.fluid <= 0.67 for a in wet)
    assert all(a.fluid <= 0.11 for a in healthy + large + white)
    assert all(0.22 <= a.opacity_density <= 0.92 for a in white)
    assert all(a.opacity_density <= 0.33 for a in healthy + large + wet)
    assert max(a.cardiothoracic_ratio for a in healthy) > min(a.cardiothoracic_ratio for a in large)
    assert max(a.fluid for a in healthy) > min(a.fluid for a in wet)
    assert max(a.opacity_density for a in healthy) > min(a.opacity_density for a in white)


def test_captions_are_short_and_their_clear_signs_are_fragments_of_bank_statements():
    bank = Knowledge.load(BANK).select(list(MODALITY.labels))
    items = [item for knowledge in bank.labels.values() for item in knowledge.checklist]
    statements = " | ".join(text for item in items for text in (item.present, item.absent))
    graded = ("mildly", "slightly", "borderline", "faint", "small", "large", "hazy", "pushed")
    places = [f" in the {lobe}" for lobe in LOBES] + [" on both sides", " on the right", " on the left"]
    for label in MODALITY.labels:
        for a in many(label, 800):
            caption = MODALITY.describe(a, np.random.default_rng(int(a.zoom * 1e9)))
            opening, *signs = caption.split(", ")
            assert bank.labels[label].name in opening
            assert len(caption.split()) <= 28 and caption == caption.lower()
            assert 2 <= len(signs) <= 4 and len(set(signs)) == len(signs)
            for sign in signs:
                for place in places:
                    sign = sign.removesuffix(place)
                assert any(word in sign for word in graded) or sign in statements, sign


def test_captions_say_what_was_drawn():
    for label in MODALITY.labels:
        for index in range(150):
            a = chest(label, index)
            caption, drawn = MODALITY.describe(a, np.random.default_rng(index)), asdict(a)
            if "wider than half" in caption:
                assert drawn["cardiothoracic_ratio"] > 0.5
            if "sharp costophrenic angles" in caption:
                assert max(drawn["right_fluid"], drawn["left_fluid"]) < 0.03
            if "meniscus on the right" in caption:
                assert drawn["right_fluid"] > drawn["left_fluid"]
            if "no airspace opacity" in caption:
                assert drawn["opacity_density"] == 0
            if "dark air bronchograms" in caption:
                assert drawn["air_bronchograms"]


def test_every_label_of_the_phantoms_has_enough_short_descriptions_and_items():
    bank = Knowledge.load(BANK)
    assert set(MODALITY.labels) <= set(bank.labels)
    assert tuple(bank.coarse_prompts) == MODALITY.coarse_captions
    names = {key: bank.labels[key].name for key in MODALITY.labels}
    for key, knowledge in bank.select(list(MODALITY.labels)).labels.items():
        assert len(knowledge.described()) >= 8 and len(knowledge.checklist) >= 5
        others = [name for other, name in names.items() if other != key]
        for text in knowledge.described().values():
            assert len(text.split()) <= 26 and text == text.lower() and knowledge.name in text
            assert not any(name in text for name in others)
        assert all(len(text.split()) <= 16 for item in knowledge.checklist for text in (item.present, item.absent))
