"""The histopathology phantom: what is drawn is what is seen and what is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import label as find_regions

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.histopathology import MODALITY
from craft.knowledge.schema import Knowledge

BANK = Path(__file__).parents[3] / "data" / "knowledge" / "histopathology.yaml"
STAIN = {"haematoxylin": 1.0, "eosin": 1.0, "warmth": 0.7, "exposure": 1.0}


def tissue(label: str, index: int = 0, **changes):
    return replace(MODALITY.draw(label, np.random.default_rng(index)), **changes)


def picture(attributes, size: int = 64, seed: int = 5) -> np.ndarray:
    return MODALITY.render(attributes, size, np.random.default_rng(seed)).astype(float) / 255


def many(label: str, number: int = 200) -> list:
    return [tissue(label, index) for index in range(number)]


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
        assert np.abs(small - halved).mean() < 5.0


def test_the_measured_lumen_follows_the_drawn_gland_share():
    for share in (0.08, 0.16, 0.26):
        clean = {"gland_share": share, "polarity": 1.0, "crowding": 0.0, "mucin": 0.0, "keratin_share": 0.0}
        measured = [
            np.mean(picture(tissue("benign", **clean, **STAIN), 128, seed).min(axis=2) > 0.72) for seed in range(4)
        ]
        assert np.mean(measured) == pytest.approx(share, rel=0.12)


def test_nuclei_can_be_counted_and_measured_in_the_image():
    clear = {"polarity": 1.0, "crowding": 0.0, "pleomorphism": 0.04, "hyperchromasia": 0.8, "mucin": 0.0}
    plain = clear | {"lobes": 1, "gland_share": 0.16, "gland_irregularity": 0.1, "nest_share": 0.2, "stromal_count": 4}
    for count, size in ((18, 0.045), (22, 0.06)):
        drawn = tissue("benign", **plain, **STAIN, nuclear_count=count, nuclear_size=size)
        dark = picture(drawn, 256)[..., 0] < 0.55
        regions, _ = find_regions(dark)
        areas = np.bincount(regions.ravel())[1:]
        assert np.sum(areas > 20) == pytest.approx(count + 4, abs=3)
        assert np.median(areas[areas > 20]) / 256**2 == pytest.approx(np.pi / 4 * size**2, rel=0.3)


def test_hyperchromatic_nuclei_are_darker():
    red = [np.quantile(picture(tissue("adenocarcinoma", hyperchromasia=h, **STAIN))[..., 0], 0.05) for h in (0.1, 0.9)]
    assert red[0] > red[1] + 0.08


def test_keratin_takes_as_much_more_of_the_tile_as_is_drawn():
    solid = {"gland_share": 0.0, "lobes": 2, "nest_share": 0.6, "cell_borders": 0.0, "stromal_count": 4}
    measured = []
    for share in (0.04, 0.08, 0.12):
        drawn = tissue("squamous_carcinoma", keratin_share=share, **solid, **STAIN)
        measured.append(np.mean([keratin_area(picture(drawn, 128, seed)) for seed in range(5, 9)]))
    assert np.diff(measured) == pytest.approx([0.04, 0.04], rel=0.4)


def keratin_area(image: np.ndarray) -> float:
    """Share of pixels with strong eosin and no haematoxylin: dense in green, thin in red."""
    density = -np.log10(np.clip(image / 0.95, 0.01, 1.0))
    return float(np.mean((density[..., 1] > 0.30) & (density[..., 0] < 0.15)))


def test_labels_differ_in_their_signs_but_overlap():
    benign, adeno, squamous = (many(label) for label in MODALITY.labels)
    polarity = [np.array([a.polarity for a in group]) for group in (benign, adeno)]
    assert polarity[0].mean() > polarity[1].mean() + 0.3
    assert polarity[0].min() < polarity[1].max()
    assert np.mean([a.keratin_share > 0 for a in squamous]) > 0.5 + np.mean([a.keratin_share > 0 for a in adeno])
    assert np.mean([a.gland_share for a in benign]) > 0.05 + np.mean([a.gland_share for a in squamous])
    for a in benign + adeno + squamous:
        assert 18 <= a.nuclear_count <= 56 and 0.044 <= a.nuclear_size <= 0.074
        assert 1 <= a.lobes <= 7 and 0 <= a.gland_share <= 0.32 and 0 <= a.keratin_share <= 0.16
        assert a.nuclear_density == pytest.approx(a.nuclear_count * np.pi / 4 * a.nuclear_size**2)
        assert not (a.keratin_share and a.gland_share)


def test_captions_are_short_and_their_clear_signs_are_fragments_of_bank_statements():
    bank = Knowledge.load(BANK).select(list(MODALITY.labels))
    items = [item for knowledge in bank.labels.values() for item in knowledge.checklist]
    statements = " | ".join(text for item in items for text in (item.present, item.absent))
    graded = ("mildly", "partly", "moderately", "faint", "a small keratin pearl")
    for label in MODALITY.labels:
        for index in range(600):
            caption = MODALITY.describe(tissue(label, index), np.random.default_rng(index))
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
            signs = phantom.caption.split(", ")[1:]
            if "no keratin pearl" in signs:
                assert phantom.attributes["keratin_share"] == 0
            if "a keratin pearl" in signs:
                assert phantom.attributes["keratin_share"] > 0.035
            if "no gland lumina" in signs or "solid nests" in signs:
                assert phantom.attributes["gland_share"] == 0
            if "pleomorphic nuclei" in signs:
                assert phantom.attributes["pleomorphism"] >= 0.24


def test_every_label_of_the_phantoms_has_enough_short_descriptions_and_items():
    bank = Knowledge.load(BANK)
    assert set(MODALITY.labels) <= set(bank.labels)
    assert tuple(bank.coarse_prompts) == MODALITY.coarse_captions
    for knowledge in bank.select(list(MODALITY.labels)).labels.values():
        assert len(knowledge.described()) >= 8 and len(knowledge.checklist) >= 5
        assert all(len(text.split()) <= 26 for text in knowledge.described().values())
        assert all(len(text.split()) <= 16 for item in knowledge.checklist for text in (item.present, item.absent))
