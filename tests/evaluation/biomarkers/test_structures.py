"""Structures: found on phantoms that no threshold was chosen on, and not where they are erased or nothing is drawn."""

import numpy as np
import pandas as pd
import pytest
from anatomies import draw_phantoms, without
from scipy import ndimage

from craft.evaluation.biomarkers.registry import MODALITIES, find_biomarkers, measure_images

# the field is the photograph's frame, which no phantom lacks
ERASABLE = [
    ("chest_xray", "lungs"),
    ("chest_xray", "heart"),
    ("chest_xray", "ribs"),
    ("dermoscopy", "lesion"),
    ("fundus", "disc"),
    ("fundus", "vessels"),
    ("histopathology", "nuclei"),
]
COLOURS = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 120, 60), (220, 150, 190)]


def found(modality: str, images) -> pd.DataFrame:
    """1 where a structure is found, one row per image, one column per structure."""
    return measure_images(modality, images)[[f"found_{name}" for name in find_biomarkers(modality).structures]]


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_structure_says_how_it_is_recognised(modality):
    structures = find_biomarkers(modality).structures
    assert structures and all(structures.values())
    assert {name for each, name in ERASABLE if each == modality} == set(structures) - {"field"}


@pytest.mark.parametrize("modality", MODALITIES)
def test_structures_are_found_in_phantoms_of_every_label(modality):
    images, labels = draw_phantoms(modality, 4321, 60)
    table = found(modality, images)
    assert (table.mean() >= 0.95).all(), table.mean()
    assert (table.groupby(np.array(labels)).mean() >= 0.85).all(axis=None)


@pytest.mark.parametrize("modality, structure", ERASABLE)
def test_an_erased_structure_is_not_found_and_the_image_is_incomplete(modality, structure):
    with without(modality, structure):
        images, _ = draw_phantoms(modality, 99, 10)
    table = found(modality, images)
    assert table[f"found_{structure}"].mean() < 0.2


@pytest.mark.parametrize("modality", MODALITIES)
def test_nothing_is_found_in_noise_blank_or_blurred_images(modality):
    rng = np.random.default_rng(0)
    noise = [
        rng.integers(0, 256, (64, 64, channels)).repeat(4 - channels if channels == 3 else 3, axis=2)
        for channels in (1, 3) * 8
    ]
    blank = [np.full((64, 64, 3), colour) for colour in COLOURS]
    blurred = [ndimage.gaussian_filter(image, (6, 6, 0)) for image in draw_phantoms(modality, 98, 6)[0]]
    for images in (noise, blank, blurred):
        table = found(modality, [image.astype(np.uint8) for image in images])
        assert (table.mean() < 0.2).all(), table.mean()
