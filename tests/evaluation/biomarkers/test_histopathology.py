"""Biomarkers of haematoxylin and eosin tiles: drawn tissue has the values that it must have."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.evaluation.biomarkers.histopathology import MEASURES, SCATTERED, measure
from craft.evaluation.biomarkers.registry import measure_images
from craft.evaluation.biomarkers.tissue import STAINS, read_tile

SIDE = 128
DOWN, ACROSS = (np.indices((SIDE, SIDE)) + 0.5) / SIDE - 0.5
UNIT = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)


def stain(haematoxylin: np.ndarray, eosin: np.ndarray) -> np.ndarray:
    """The image of stains of those optical densities under white light."""
    density = haematoxylin[..., None] * UNIT[0] + eosin[..., None] * UNIT[1]
    return np.round(255 * 0.95 * 10.0**-density).astype(np.uint8)


def draw(radii, dark: float = 0.5, lumen: float = 0.0, spread: float = 0.0, extra: float = 0.0) -> np.ndarray:
    """Nuclei of those radii in a ring around a lumen of that radius, on eosin, `extra` of it in a corner.

    With `spread`, every second nucleus is that much farther in, the others farther out.
    """
    haematoxylin, eosin = np.zeros((SIDE, SIDE)), np.full((SIDE, SIDE), 0.3)
    for k, radius in enumerate(radii):
        turn, reach = 2 * np.pi * k / len(radii), 0.3 + (spread if k % 2 else -spread)
        haematoxylin[np.hypot(DOWN - reach * np.sin(turn), ACROSS - reach * np.cos(turn)) < radius] = dark
    eosin[np.hypot(DOWN, ACROSS) < lumen] = 0.0
    eosin[(DOWN > 0.28) & (ACROSS > 0.28)] += extra
    return stain(haematoxylin, eosin)


ROW = [0.03] * 12
MIXED = [0.02, 0.045] * 6


def test_stains_are_told_apart():
    tile = read_tile(draw(ROW, dark=0.4))
    assert np.median(tile.eosin) == pytest.approx(0.3, abs=0.02)
    assert np.median(tile.haematoxylin) == pytest.approx(0.0, abs=0.02)
    assert tile.haematoxylin.max() == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("radius", [0.025, 0.03, 0.04])
@pytest.mark.parametrize("count", [6, 12])
def test_drawn_nuclei_are_counted_and_sized(count, radius):
    values = measure(draw([radius] * count)).values
    assert values["nuclear_count"] == count
    assert values["nuclear_size"] == pytest.approx(2 * radius, rel=0.12)
    assert values["nuclear_share"] == pytest.approx(count * np.pi * radius**2, rel=0.35)
    assert values["pleomorphism"] < 0.12


def test_nuclei_of_two_sizes_vary_as_their_areas_do():
    areas = np.square(MIXED)
    assert measure(draw(MIXED)).values["pleomorphism"] == pytest.approx(areas.std() / areas.mean(), rel=0.2)


def test_darkness_of_nuclei_grows_with_their_haematoxylin():
    found = [measure(draw(ROW, dark=dark)).values["hyperchromasia"] for dark in (0.3, 0.45, 0.6)]
    # a nucleus counts up to its blurred outline, so a part of the density is lost
    assert found == pytest.approx([0.3, 0.45, 0.6], rel=0.25)
    assert found == sorted(found)


def test_touching_nuclei_are_parted():
    twins = np.zeros((SIDE, SIDE))
    for centre in (-0.028, 0.028):
        twins[np.hypot(DOWN, ACROSS - centre) < 0.034] = 0.5
    assert measure(stain(twins, np.full((SIDE, SIDE), 0.3))).values["nuclear_count"] == 2


def test_a_lumen_has_its_area_and_nuclei_in_a_row_around_it_little_spread():
    row, scattered = (measure(draw(ROW, lumen=0.2, spread=spread)).values for spread in (0.0, 0.045))
    assert row["lumen_share"] == pytest.approx(np.pi * 0.2**2, rel=0.1)
    assert row["lumen_count"] == 1
    assert row["gland_irregularity"] < 0.08
    assert row["nuclear_spread"] < 0.6 * scattered["nuclear_spread"]


def test_solid_tissue_has_no_lumen_and_no_row():
    values = measure(draw(ROW)).values
    assert values["lumen_share"] == values["lumen_count"] == values["mucin_paleness"] == 0
    assert values["nuclear_spread"] == SCATTERED
    assert np.isnan(values["gland_irregularity"])


def test_a_notched_lumen_is_irregular():
    eosin = np.where(np.hypot(DOWN, ACROSS) < 0.2 + 0.08 * np.cos(4 * np.arctan2(DOWN, ACROSS)), 0.0, 0.3)
    assert measure(stain(np.zeros_like(eosin), eosin)).values["gland_irregularity"] > 0.15


def test_far_more_eosin_is_keratin():
    assert measure(draw(ROW)).values["keratin_share"] == 0
    assert measure(draw(ROW, extra=0.3)).values["keratin_share"] == pytest.approx(0.22**2, rel=0.35)


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("size", [16, 64, 300])
def test_nothing_is_measured_without_light_or_without_tissue(size, level):
    findings = measure(np.full((size, size + 5, 3), level, np.uint8))
    assert set(findings.values) == set(MEASURES)
    assert np.isnan(list(findings.values.values())).all()
    assert not findings.masks


def test_tissue_without_nuclei_has_none_and_no_size():
    values = measure(stain(np.zeros((64, 64)), np.full((64, 64), 0.3))).values
    assert values["nuclear_count"] == 0
    assert np.isnan([values[name] for name in ("nuclear_size", "pleomorphism", "hyperchromasia")]).all()


@pytest.mark.parametrize("shape", [(16, 16, 3), (17, 40, 3), (300, 230, 3)])
def test_tiny_images_and_noise_are_measured_without_complaint(shape):
    noise = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    findings = measure(noise)
    assert set(findings.values) == set(MEASURES)
    assert all(mask.shape == shape[:2] and mask.dtype == bool for mask in findings.overlays(*shape[:2]).values())
    phantom = make_phantom(find_modality("histopathology"), "benign", 16, 3, 0)
    assert set(measure(phantom.image).values) == set(MEASURES)


def test_the_same_image_has_the_same_values():
    image = draw(MIXED, lumen=0.2)
    before = image.copy()
    assert measure(image).values == measure(image).values
    np.testing.assert_array_equal(image, before)


def test_measures_follow_the_attributes_of_phantoms():
    modality = find_modality("histopathology")
    phantoms = [make_phantom(modality, label, 64, 21, index) for label in modality.labels for index in range(10)]
    found = measure_images("histopathology", [phantom.image for phantom in phantoms])
    names = [key for key in phantoms[0].attributes if key != "label"]
    drawn = {key: np.array([phantom.attributes[key] for phantom in phantoms]) for key in names}
    glands = drawn["gland_share"] > 0
    for name, key, of in (
        ("nuclear_spread", "polarity", glands),
        ("pleomorphism", "pleomorphism", slice(None)),
        ("hyperchromasia", "hyperchromasia", slice(None)),
        ("gland_irregularity", "gland_irregularity", glands),
        ("mucin_paleness", "mucin", glands),
    ):
        attribute = drawn[key][of]
        present = attribute > np.median(attribute)
        score = found[name].to_numpy()[of] * (-1 if key == "polarity" else 1)
        assert roc_auc_score(present, score) > 0.85, name
    assert np.corrcoef(found["lumen_share"], drawn["gland_share"])[0, 1] > 0.98
    assert roc_auc_score(drawn["keratin_share"] > 0.035, found["keratin_share"]) > 0.95
    assert roc_auc_score(drawn["cell_borders"] > 0.45, found["cell_borders"]) > 0.9
