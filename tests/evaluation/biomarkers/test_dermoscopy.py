"""Biomarkers of dermoscopy: drawn shapes have the values that they must have."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.evaluation.biomarkers.dermoscopy import MEASURES, measure
from craft.evaluation.biomarkers.registry import measure_images

SKIN, BROWN, BLUE, PEARL = (225, 180, 160), (130, 80, 55), (110, 120, 145), (240, 225, 210)
ROWS, COLUMNS = (np.indices((128, 128)) + 0.5) / 128 - 0.5


def draw(*parts, size: int = 128) -> np.ndarray:
    """Skin with parts (mask, colour) painted over it."""
    image = np.full((128, 128, 3), SKIN, dtype=np.uint8)
    for mask, colour in parts:
        image[mask] = colour
    return image[:: 128 // size, :: 128 // size]


def disc(radius: float, row: float = 0.0, column: float = 0.0) -> np.ndarray:
    return np.hypot(ROWS - row, COLUMNS - column) < radius


DISC = measure(draw((disc(0.25), BROWN)))


def test_a_disc_is_found_with_its_area_and_is_symmetric_and_regular():
    mask = DISC.overlays(128, 128)["lesion"]
    assert mask.shape == (128, 128) and mask.dtype == bool
    assert (mask & disc(0.25)).sum() / (mask | disc(0.25)).sum() > 0.9
    assert DISC.values["lesion_area"] == pytest.approx(np.pi * 0.25**2, rel=0.1)
    assert DISC.values["shape_asymmetry"] < 0.03
    assert DISC.values["border_irregularity"] < 0.02
    assert DISC.values["blue_grey_share"] == 0.0
    assert DISC.values["cyst_count"] == 0


def test_an_ellipse_is_as_symmetric_as_a_disc_at_any_angle():
    turned = [np.hypot(0.8 * ROWS + 0.6 * COLUMNS, 1.6 * (0.8 * COLUMNS - 0.6 * ROWS)) < 0.3]
    assert measure(draw((turned[0], BROWN))).values["shape_asymmetry"] < 0.04


def test_a_lobe_on_one_side_makes_shape_and_colour_asymmetric():
    notched = measure(draw((disc(0.25) & ~disc(0.17, -0.2, 0.14), BROWN))).values
    dark_side = measure(draw((disc(0.25), BROWN), (disc(0.09, 0.08, 0.10), (40, 20, 15)))).values
    assert notched["shape_asymmetry"] > 0.05 + DISC.values["shape_asymmetry"]
    assert notched["asymmetry"] > 2 * DISC.values["asymmetry"]
    assert dark_side["asymmetry"] > 2 * DISC.values["asymmetry"]
    assert dark_side["shape_asymmetry"] < 0.03


def test_a_wavy_outline_is_irregular():
    angle = np.arctan2(ROWS, COLUMNS)
    wavy = np.hypot(ROWS, COLUMNS) < 0.25 * (1 + 0.15 * np.cos(7 * angle))
    irregular = measure(draw((wavy, BROWN))).values["border_irregularity"]
    assert irregular == pytest.approx(0.15 / np.sqrt(2), rel=0.3)


def test_blue_grey_and_pearls_are_told_from_brown():
    veiled = measure(draw((disc(0.25), BROWN), (disc(0.12), BLUE))).values
    assert veiled["blue_grey_share"] == pytest.approx((0.12 / 0.25) ** 2, rel=0.35)
    assert veiled["colour_variety"] > 2 * DISC.values["colour_variety"]
    spots = [(disc(0.022, 0.13 * np.sin(k), 0.13 * np.cos(k)), PEARL) for k in range(6)]
    assert measure(draw((disc(0.25), BROWN), *spots)).values["cyst_count"] == 6


def test_a_blurred_edge_is_less_sharp():
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(draw((disc(0.25), BROWN)).astype(float), (6, 6, 0)).astype(np.uint8)
    assert measure(blurred).values["edge_sharpness"] < 0.7 * DISC.values["edge_sharpness"]


def test_black_corners_and_hairs_are_not_the_lesion():
    image = draw((disc(0.15), BROWN))
    image[np.hypot(ROWS, COLUMNS) > 0.55] = 0
    image[:, 30:32] = (60, 40, 30)
    mask = measure(image).overlays(*image.shape[:2])["lesion"]
    assert (mask & disc(0.15)).sum() / (mask | disc(0.15)).sum() > 0.85


@pytest.mark.parametrize("image", [draw(), np.zeros((64, 64, 3), np.uint8), np.full((16, 20, 3), 255, np.uint8)])
def test_without_a_lesion_every_value_is_nan_and_no_mask_is_given(image):
    findings = measure(image)
    assert set(findings.values) == set(MEASURES)
    assert all(np.isnan(value) for value in findings.values.values())
    assert not findings.masks


def test_an_image_of_16_pixels_has_a_shape_but_no_dots():
    values = measure(draw((disc(0.25), BROWN), size=16)).values
    assert np.isfinite(values["asymmetry"]) and np.isfinite(values["colour_variety"])
    assert np.isnan(values["cyst_count"]) and np.isnan(values["pattern_unevenness"])


def test_noise_of_any_size_ends_without_an_error():
    for size in ((16, 16), (17, 40), (64, 64), (200, 90)):
        noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        findings = measure(noise)
        assert all(mask.shape == size for mask in findings.overlays(*size).values())


def test_the_measures_follow_the_attributes_of_phantoms_and_repeat():
    modality = find_modality("dermoscopy")
    phantoms = [make_phantom(modality, label, 64, 11, k) for label in modality.labels for k in range(14)]
    images = [phantom.image for phantom in phantoms]
    table = measure_images("dermoscopy", images)
    assert list(table.columns) == [*MEASURES, "found_lesion"] and len(table) == len(phantoms)
    for name, key, limit in (
        ("asymmetry", "asymmetry", 0.4),
        ("border_irregularity", "border_irregularity", 0.4),
        ("blue_grey_share", "blue_grey_share", 0.03),
        ("cyst_count", "cysts", 1.5),
        ("edge_sharpness", "edge_sharpness", 0.5),
    ):
        holds = [phantom.attributes[key] > limit for phantom in phantoms]
        assert roc_auc_score(holds, table[name]) > 0.85, name
    assert measure(images[0]).values == measure(images[0]).values
