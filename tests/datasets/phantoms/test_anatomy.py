"""The captions that train a foundation: modality and anatomy, and nothing from which a label could be learnt."""

import numpy as np
import pytest

from craft.datasets.phantoms.base import describe_coarsely, make_phantom
from craft.datasets.phantoms.registry import MODALITIES, find_modality
from craft.models.tokenizer import TEXT_WINDOW, train_tokenizer

EACH = 400


def phrases_by_label(name: str) -> dict[str, list[list[str]]]:
    modality, rng = find_modality(name), np.random.default_rng(0)
    return {label: [modality.anatomy(modality.draw(label, rng)) for _ in range(EACH)] for label in modality.labels}


@pytest.mark.parametrize("name", MODALITIES)
def test_no_phrase_of_the_anatomy_tells_a_label(name):
    drawn = phrases_by_label(name)
    phrases = {phrase for images in drawn.values() for image in images for phrase in image}
    assert len(phrases) >= 9
    for phrase in phrases:
        shares = [np.mean([phrase in image for image in images]) for images in drawn.values()]
        # five standard deviations of the difference of two shares of 400
        assert max(shares) - min(shares) < 5 * np.sqrt(2 * 0.25 / EACH), phrase


@pytest.mark.parametrize("name", MODALITIES)
def test_an_image_is_never_said_to_be_two_things_at_once(name):
    for images in phrases_by_label(name).values():
        for image in images:
            assert len(set(image)) == len(image)
            assert not {f"{word} photograph" for word in ("dark", "bright")} <= set(image)


@pytest.mark.parametrize("name", MODALITIES)
def test_a_coarse_caption_opens_with_the_modality_and_fits_the_text_window(name):
    modality = find_modality(name)
    captions = [make_phantom(modality, modality.labels[0], 32, 3, index).coarse_caption for index in range(40)]
    assert all(caption.startswith(modality.coarse_captions) for caption in captions)
    assert any(caption in modality.coarse_captions for caption in captions)
    assert len(set(captions)) > 20
    tokenizer = train_tokenizer(captions)
    assert max(len(tokenizer(caption).input_ids) for caption in captions) <= TEXT_WINDOW


def test_the_eye_is_named_as_it_lies():
    modality, rng = find_modality("fundus"), np.random.default_rng(1)
    for _ in range(50):
        drawn = modality.draw("no_dr", rng)
        assert {f"{drawn.eye} eye", f"optic disc on the {drawn.eye}"} <= set(modality.anatomy(drawn))
        assert describe_coarsely(modality, drawn, rng).startswith(modality.coarse_captions)
