"""Biomarkers of the chest radiograph: drawn chests have the values that they must have."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.evaluation.biomarkers.chest_xray import BIOMARKERS, MEASURES, measure
from craft.evaluation.biomarkers.registry import measure_images


def draw(heart: float = 0.5, opacity: float = 0.0, fluid: float = 0.0) -> np.ndarray:
    """A chest of inner width 0.8 with a heart of that share of it, an opacity and fluid on the image's left."""
    down, across = (np.indices((96, 96)) + 0.5) / 96 - 0.5
    side = np.abs(across)
    lung = (side < 0.40) & (np.hypot((side - 0.22) / 0.18, np.minimum(down, 0.0) / 0.38) < 1.0)
    lung &= down < 0.22 + 0.5 * np.clip(side - 0.25, 0.0, None)
    lung &= side > np.where(down < 0.0, 0.06, 0.06 + (0.4 * heart - 0.06) * np.minimum(down / 0.04, 1.0))
    lung &= (across > 0) | (down < 0.30 - fluid - fluid * np.clip(side - 0.25, 0.0, None) / 0.15)
    image = np.full((96, 96), 190.0)
    image[lung] = 60.0
    image[lung & (np.hypot(across + 0.24, down + 0.12) < 0.09)] += opacity * 130.0
    return np.repeat(image[..., None], 3, axis=2).astype(np.uint8)


NORMAL = measure(draw(0.45)).values


def test_the_cardiothoracic_ratio_is_the_drawn_one():
    for drawn in (0.45, 0.55, 0.65):
        findings = measure(draw(drawn))
        assert findings.values["cardiothoracic_ratio"] == pytest.approx(drawn, abs=0.055)
        assert findings.values["apex_gap"] == pytest.approx(0.5 - drawn / 2, abs=0.04)
    assert set(findings.masks) == {"right lung", "left lung"}
    assert findings.masks["right lung"][:, :40].any() and not findings.masks["right lung"][:, 60:].any()


def test_fluid_blunts_the_angle():
    assert NORMAL["costophrenic_depth"] > 0.02
    assert measure(draw(0.45, fluid=0.08)).values["costophrenic_depth"] < NORMAL["costophrenic_depth"] - 0.05


def test_an_opacity_is_denser_than_the_air_around_it_and_than_the_other_side():
    hazy, white = (measure(draw(0.45, opacity=opacity)).values for opacity in (0.4, 0.9))
    for name in ("focal_opacity", "zone_difference", "airspace_opacity"):
        assert NORMAL[name] < hazy[name] < white[name], name


def test_brightness_and_contrast_of_the_film_hardly_change_the_values():
    dim = (0.6 * draw(0.45, opacity=0.4) + 20).astype(np.uint8)
    values = measure(draw(0.45, opacity=0.4)).values
    for name, value in measure(dim).values.items():
        assert value == pytest.approx(values[name], abs=0.03), name


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_image_has_no_lungs(level):
    findings = measure(np.full((64, 64, 3), level, np.uint8))
    assert set(findings.values) == set(MEASURES)
    assert all(np.isnan(value) for value in findings.values.values()) and not findings.masks


def test_a_white_side_cannot_be_told():
    image = draw()
    image[:, :48] = 190
    assert np.isnan(measure(image).values["cardiothoracic_ratio"])


def test_dark_areas_above_the_lungs_only_end_without_an_error():
    image = np.full((96, 96, 3), 190, np.uint8)
    image[12:26, 14:40] = image[12:26, 56:82] = 60
    assert set(measure(image).values) == set(MEASURES)


def test_images_of_any_size_are_measured():
    from skimage.transform import resize

    for size in ((16, 16), (28, 28), (40, 60), (300, 256)):
        image = (255 * resize(draw(0.45) / 255, size)).astype(np.uint8)
        findings = measure(image)
        assert findings.values["cardiothoracic_ratio"] == pytest.approx(0.45, abs=0.08)
        assert all(mask.shape == size for mask in findings.overlays(*size).values())
        noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        assert set(measure(noise).values) == set(MEASURES)


def test_the_measures_follow_the_attributes_of_phantoms_and_repeat():
    modality = find_modality("chest_xray")
    phantoms = [make_phantom(modality, label, 64, 11, k) for label in modality.labels for k in range(12)]
    images = [phantom.image for phantom in phantoms]
    table = measure_images("chest_xray", images)
    assert list(table.columns) == BIOMARKERS.columns and len(table) == len(phantoms)
    drawn = [phantom.attributes for phantom in phantoms]
    for name, sign, holds in (
        ("cardiothoracic_ratio", 1, [each["cardiothoracic_ratio"] > 0.51 for each in drawn]),
        ("costophrenic_depth", -1, [max(each["left_fluid"], each["right_fluid"]) > 0.1 for each in drawn]),
        ("airspace_opacity", 1, [each["opacity_density"] > 0.3 for each in drawn]),
    ):
        assert roc_auc_score(holds, sign * table[name].fillna(table[name].median())) > 0.85, name
    assert measure(images[0]).values == measure(images[0]).values
