"""Biomarkers of fundus photographs: drawn retinas have the values that they must have."""

import numpy as np
import pytest
from skimage.transform import resize
from sklearn.metrics import roc_auc_score

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.evaluation.biomarkers.fundus import MEASURES, measure
from craft.evaluation.biomarkers.registry import measure_images

SIDE = 128
DOWN, ACROSS = (np.indices((SIDE, SIDE)) + 0.5) / SIDE - 0.5
BLOOD, EXUDATE, WOOL, TUFT = (0.40, 0.17, 0.24), (1.0, 0.90, 0.45), (0.95, 0.85, 0.68), (0.70, 0.13, 0.10)
PLACES = [(-0.07, 0.06), (0.09, 0.00), (0.09, 0.18), (-0.09, 0.20), (-0.35, 0.00), (0.35, 0.05)]


def draw(red: int = 0, bright: int = 0, pale: int = 0, tangle: bool = False, pool: float = 0.0) -> np.ndarray:
    """A retina with a disc on the left, two vessels and lesions off them; `pool` is the radius of half a disk."""
    image = np.tile(np.array([0.75, 0.38, 0.18]), (SIDE, SIDE, 1))

    def spot(colour, row: float, column: float, radius: float) -> None:
        image[np.hypot(DOWN - row, ACROSS - column) < radius] = colour

    for side in (-1.0, 1.0):
        vessel = np.abs(DOWN - side * 0.3 * np.sqrt(np.clip(ACROSS + 0.3, 0, None))) < 0.012
        image[vessel & (ACROSS > -0.3)] *= (0.88, 0.60, 0.62)
    spot((0.97, 0.76, 0.45), 0.0, -0.28, 0.075)
    for count, colour, radius in ((red, BLOOD, 0.02), (bright, EXUDATE, 0.018), (pale, WOOL, 0.04)):
        for row, column in PLACES[:count]:
            spot(colour, row, column, radius)
    if tangle:
        spot(TUFT, 0.05, 0.1, 0.06)
    image[(np.hypot(DOWN - 0.05, ACROSS - 0.05) < pool) & (DOWN > 0.05)] = (0.27, 0.05, 0.04)
    image[np.hypot(DOWN, ACROSS) > 0.47] = 0.01
    noise = np.random.default_rng(0).normal(0.0, 0.004, image.shape)
    return np.round(255 * np.clip(image + noise, 0, 1)).astype(np.uint8)


CLEAR = measure(draw()).values


def test_a_clear_retina_has_no_lesion():
    for name in ("red_lesion_count", "bright_lesion_count", "pale_patch_count", "preretinal_area", "lesion_count"):
        assert CLEAR[name] == 0, name
    assert CLEAR["extraretinal_ratio"] < 1
    assert 0.01 < CLEAR["vessel_density"] < 0.15


@pytest.mark.parametrize("count", [1, 3, 6])
@pytest.mark.parametrize("kind, name", [("red", "red_lesion_count"), ("bright", "bright_lesion_count")])
def test_drawn_spots_are_counted_as_what_they_are(kind, name, count):
    values = measure(draw(**{kind: count})).values
    assert values[name] == count == values["lesion_count"]
    area = count * np.pi * 0.02**2 / (np.pi * 0.47**2)
    assert values["red_lesion_area"] == (pytest.approx(area, rel=0.6) if kind == "red" else 0)


def test_white_patches_are_no_exudates():
    values = measure(draw(pale=3)).values
    assert values["pale_patch_count"] == 3
    assert values["bright_lesion_count"] == 0


def test_new_vessels_let_red_light_pass_and_pooled_blood_does_not():
    tangle, pool = measure(draw(tangle=True)).values, measure(draw(pool=0.14)).values
    assert tangle["tangle_redness"] > 2 * max(CLEAR["tangle_redness"], pool["tangle_redness"])
    assert pool["preretinal_area"] == pytest.approx(0.5 * 0.14**2 / 0.47**2, rel=0.25)
    assert tangle["preretinal_area"] == 0
    assert min(tangle["extraretinal_ratio"], pool["extraretinal_ratio"]) > 1


def test_the_disc_and_the_spots_lie_where_they_were_drawn():
    masks = measure(draw(red=2)).masks
    assert all(mask.shape == (SIDE, SIDE) and mask.dtype == bool for mask in masks.values())
    row, column = (index.mean() / SIDE - 0.5 for index in np.nonzero(masks["disc"]))
    assert (row, column) == pytest.approx((0.0, -0.28), abs=0.03)
    for row, column in PLACES[:2]:
        assert masks["red lesions"][int((row + 0.5) * SIDE), int((column + 0.5) * SIDE)]


def test_a_darker_fundus_and_a_larger_image_have_the_same_lesions():
    image = draw(red=3)
    for other in (
        (0.7 * image).astype(np.uint8),
        resize(image, (2 * SIDE, 2 * SIDE), preserve_range=True).astype(np.uint8),
    ):
        values = measure(other).values
        assert values["red_lesion_count"] == values["lesion_count"] == 3


@pytest.mark.parametrize("size", [16, 64, 400])
def test_nothing_is_measured_on_a_black_image(size):
    findings = measure(np.zeros((size, size + 3, 3), np.uint8))
    assert set(findings.values) == set(MEASURES)
    assert np.isnan(list(findings.values.values())).all()
    assert not findings.masks


@pytest.mark.parametrize("level", [40, 255])
def test_an_image_of_one_colour_has_no_lesion(level):
    values = measure(np.full((64, 64, 3), level, np.uint8)).values
    assert values["lesion_count"] == values["vessel_density"] == 0


@pytest.mark.parametrize("shape", [(16, 16, 3), (17, 40, 3), (40, 17, 3)])
def test_tiny_images_and_noise_are_measured_without_complaint(shape):
    noise = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    assert set(measure(noise).values) == set(MEASURES)
    for label in ("no_dr", "proliferative_dr"):
        assert set(measure(make_phantom(find_modality("fundus"), label, 16, 3, 0).image).values) == set(MEASURES)


def test_the_same_image_has_the_same_values():
    image = draw(red=3)
    before = image.copy()
    assert measure(image).values == measure(image).values
    np.testing.assert_array_equal(image, before)


def test_measures_follow_the_attributes_of_phantoms():
    modality = find_modality("fundus")
    phantoms = [make_phantom(modality, label, 64, 21, index) for label in modality.labels for index in range(12)]
    found = measure_images("fundus", [phantom.image for phantom in phantoms])
    names = [key for key in phantoms[0].attributes if key != "label"]
    drawn = {key: np.array([phantom.attributes[key] for phantom in phantoms]) for key in names}
    for name, present in (
        ("red_lesion_count", drawn["haemorrhage_count"] > 0),
        ("bright_lesion_count", drawn["exudate_count"] > 0),
        ("pale_patch_count", drawn["cotton_wool_count"] > 0),
        ("tangle_redness", drawn["neovascularisation"] > 0),
        ("preretinal_area", drawn["preretinal_haemorrhage"] > 0),
        ("fibrous_length", drawn["fibrosis"] > 0),
    ):
        assert roc_auc_score(present, found[name]) > 0.85, name
