"""Fundus phantoms: reproducible, true to their attributes, and described in the words of the knowledge file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.fundus import MODALITY
from craft.datasets.phantoms.fundus.attributes import draw
from craft.datasets.phantoms.fundus.captions import ABSENT, signs
from craft.datasets.phantoms.fundus.render import Placement, render
from craft.knowledge.schema import Knowledge

KNOWLEDGE = Path(__file__).parents[3] / "data" / "knowledge" / "fundus.yaml"
SIZE = 96


def draws(label: str, count: int = 200) -> list:
    return [draw(label, np.random.default_rng([7, i])) for i in range(count)]


def bare(index: int = 0):
    """A retina without lesions, uncropped, of medium pigmentation."""
    drawn = draw("no_dr", np.random.default_rng([11, index]))
    clean = dict(haemorrhage_count=0, exudate_count=0, field_crop=0.6, pigmentation=0.4, exposure=1.0)
    return replace(drawn, **clean)


def changed_area(drawn, other, threshold: float = 30.0) -> float:
    """Area, in squared image sides, that differs between two renderings from the same generator."""
    images = [render(t, SIZE, np.random.default_rng(5)).astype(float) for t in (drawn, other)]
    return float((np.abs(images[0] - images[1]).max(axis=2) > threshold).mean())


@pytest.mark.parametrize("label", MODALITY.labels)
def test_same_index_is_the_same_phantom_and_another_is_not(label):
    first, again, other = (make_phantom(MODALITY, label, 64, 3, i) for i in (4, 4, 5))
    assert np.array_equal(first.image, again.image)
    assert (first.attributes, first.caption) == (again.attributes, again.caption)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("label", MODALITY.labels)
def test_scene_does_not_depend_on_size(label):
    for index in range(4):
        small, large = (make_phantom(MODALITY, label, size, 3, index).image.astype(float) for size in (64, 128))
        halved = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
        assert np.abs(small - halved).mean() < 4.0


def test_labels_keep_to_their_signs():
    healthy, background, proliferative = (draws(label) for label in MODALITY.labels)
    assert max(t.haemorrhage_count for t in healthy) == 1
    assert not any(t.cotton_wool_count or t.neovascularisation or t.preretinal_haemorrhage for t in healthy)
    assert min(t.haemorrhage_count for t in background) == 1
    assert not any(t.preretinal_haemorrhage or t.fibrosis for t in background)
    assert all(t.neovascularisation or t.preretinal_haemorrhage for t in proliferative)


def test_neighbouring_labels_overlap():
    healthy, background, proliferative = (draws(label) for label in MODALITY.labels)
    assert any(t.haemorrhage_count == 1 for t in healthy)
    assert max(t.neovascularisation for t in background) > min(
        t.neovascularisation for t in proliferative if t.neovascularisation
    )


def test_preretinal_haemorrhage_covers_the_drawn_area():
    for index in range(4):
        drawn = bare(index)
        for area in (0.015, 0.045):
            shown = changed_area(replace(drawn, preretinal_haemorrhage=area), drawn)
            assert shown == pytest.approx(area, rel=0.35)


@pytest.mark.parametrize(
    ("count", "size", "radius"),
    [("haemorrhage_count", "haemorrhage_size", 0.025), ("exudate_count", "exudate_size", 0.018)],
)
def test_every_drawn_lesion_is_shown(count, size, radius):
    # Single lesions vary in size and shape, so the area shown is held against the nominal area of the drawn number.
    for index in range(3):
        drawn = bare(index)
        for n in (1, 3, 6):
            shown = changed_area(replace(drawn, **{count: n, size: radius}), drawn)
            assert 0.85 < shown / (n * np.pi * radius**2) < 2.0


def test_placement_finds_room_for_every_lesion_of_a_crowded_phantom():
    for drawn in draws("nonproliferative_dr", 40):
        where, rng = Placement(drawn), np.random.default_rng(1)
        assert len(where.pick(drawn.haemorrhage_count, drawn.haemorrhage_size, 0.012, rng)) == drawn.haemorrhage_count
        assert len(where.pick(9, 0.018, 0.003, rng, centre=drawn.to_image([0.24, 0.03]), spread=0.045)) == 9


@pytest.mark.parametrize("site", ["disc", "arcade"])
def test_tangle_is_visible_and_reddish(site):
    drawn = bare(1)
    image, clear = (
        render(t, SIZE, np.random.default_rng(5)).astype(float)
        for t in (replace(drawn, neovascularisation=0.06, neovascular_site=site), drawn)
    )
    region = np.abs(image - clear).max(axis=2) > 20
    assert region.mean() > 0.4 * np.pi * 0.06**2
    red_share = [(i[region][:, 0] / i[region].sum(axis=1)).mean() for i in (image, clear)]
    assert red_share[0] > red_share[1] + 0.03


def test_disc_lies_on_the_nasal_side():
    for index in range(6):
        drawn = bare(index)
        image = render(drawn, SIZE, np.random.default_rng(5)).astype(float)
        column = np.argmax(image[..., 1].max(axis=0))
        assert (column > SIZE / 2) == (drawn.eye == "right")


def test_captions_are_short_lower_case_and_without_numbers():
    for label in MODALITY.labels:
        for index in range(150):
            caption = make_phantom(MODALITY, label, 16, 1, index).caption
            assert len(caption.split()) <= 28
            assert caption == caption.lower()
            assert not any(character.isdigit() for character in caption)


def test_captions_state_two_to_four_true_signs():
    for label in MODALITY.labels:
        for index, drawn in enumerate(draws(label)):
            present = signs(drawn)
            parts = MODALITY.describe(drawn, np.random.default_rng(index)).split(", ")
            told = [part for part in parts if part in present.values() or part in ABSENT.values()]
            assert 2 <= len(told) <= 4
            assert not {ABSENT[sign] for sign in present} & set(told)


def test_captions_use_the_words_of_the_knowledge_file():
    knowledge = Knowledge.load(KNOWLEDGE)
    bank = " | ".join(
        [*(d for k in knowledge.labels.values() for d in k.described().values())]
        + [s for k in knowledge.labels.values() for item in k.checklist for s in (item.present, item.absent)]
    )
    phrases = {phrase for label in MODALITY.labels for t in draws(label) for phrase in signs(t).values()}
    for phrase in [*phrases, *ABSENT.values()]:
        assert phrase in bank


def test_knowledge_covers_phantom_labels_and_icdr_grades():
    knowledge = Knowledge.load(KNOWLEDGE)
    assert [*knowledge.labels][:3] == [*MODALITY.labels]
    assert {f"grade_{i}" for i in range(5)} < set(knowledge.labels)
    assert tuple(knowledge.coarse_prompts) == MODALITY.coarse_captions
    for label in knowledge.labels.values():
        assert all(label.name in prompt for prompt in [label.prompt, *label.described().values()])
        assert len(label.described()) >= 8
        assert len(label.checklist) >= 5
