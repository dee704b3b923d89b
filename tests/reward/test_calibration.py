"""Calibration: it separates matched from mismatched pairs label by label, and refuses to reward the opposite."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from craft.core.errors import CraftError
from craft.reward.calibration import Pairs, calibrate, fit_logistic
from craft.reward.cas import ClinicalAlignment, RawScores
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, ImageFeatures, LabelTexts

WIDTH = 8


# shares of the labels of a set of fundus photographs
MIX = np.array([0.6, 0.2, 0.1, 0.05, 0.05])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def pairs(raw, claimed=None, kinds=None, shares=(1,)):
    nothing = np.zeros(len(raw), int)
    return Pairs(
        np.array(raw, float),
        nothing if claimed is None else claimed,
        nothing if kinds is None else kinds,
        np.array(shares, float),
    )


def draw_pairs(rng, n, distances, offsets, mix=MIX):
    """Pairs of n images with their own labels, above those with other labels by a distance; noise of size 1.

    Args:
        rng: draws the noise.
        n: number of images.
        distances: of every label, (labels,).
        offsets: of every claimed label, (labels,).
        mix: shares of the labels.
    """
    count = len(mix)
    own = np.repeat(np.arange(count), np.round(mix * n).astype(int))
    claimed = np.concatenate([(own + shift) % count for shift in range(1, count)])
    right = np.array(distances)[own] + np.array(offsets)[own] + rng.normal(size=len(own))
    wrong = np.array(offsets)[claimed] + rng.normal(size=len(claimed))
    return pairs(right, own), pairs(wrong, claimed, np.tile(own, count - 1), np.ones(count))


def test_matched_pairs_score_above_a_half_and_mismatched_ones_below():
    rng = np.random.default_rng(0)
    fitted = fit_logistic(pairs(rng.normal(2, 0.5, 200)), pairs(rng.normal(-1, 0.5, 200)), 1)
    (intercept,) = fitted.intercepts
    assert sigmoid(fitted.slope * 2 + intercept) > 0.9
    assert sigmoid(fitted.slope * -1 + intercept) < 0.1
    assert fitted.auroc > 0.99 and fitted.pairs == 400


def test_a_half_means_as_likely_as_not_however_unequal_the_sides_are_in_number():
    rng = np.random.default_rng(1)
    fitted = fit_logistic(pairs(rng.normal(1, 1, 100)), pairs(rng.normal(-1, 1, 2000)), 1)
    assert abs(sigmoid(fitted.intercepts[0]) - 0.5) < 0.08  # the sides cross at zero


def test_a_dimension_that_separates_the_wrong_way_says_a_half_of_everything():
    rng = np.random.default_rng(2)
    fitted = fit_logistic(pairs(rng.normal(-1, 0.5, 100)), pairs(rng.normal(1, 0.5, 100)), 1)
    assert (fitted.slope, fitted.intercepts) == (0.0, (0.0,))
    assert fitted.auroc < 0.1


@pytest.mark.parametrize(("matched", "mismatched"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_empty_or_non_finite_scores_are_refused_with_a_sentence(matched, mismatched):
    with pytest.raises(CraftError, match="calibration"):
        fit_logistic(pairs(matched), pairs(mismatched), 1)


def test_every_claimed_label_has_its_threshold_half_of_the_way_between_its_sides():
    offsets = np.array([0.0, 3.0, -2.0, 5.0, -4.0])
    fitted = fit_logistic(*draw_pairs(np.random.default_rng(3), 400, [3] * 5, offsets), 5)
    thresholds = -np.array(fitted.intercepts) / fitted.slope
    assert np.allclose(thresholds, offsets + 1.5, atol=0.5) and fitted.slope == pytest.approx(3, rel=0.2)


def test_a_label_with_few_images_borrows_the_distance_of_its_threshold_from_the_others():
    """The last label is separated by 3, others by 1: two images move its threshold little, forty move it far."""
    thresholds, rng = [], np.random.default_rng(4)
    for share in (0.01, 0.2):
        mix = np.array([0.25, 0.25, 0.25, 0.25 - share, share])
        maps = [fit_logistic(*draw_pairs(rng, 200, [1, 1, 1, 1, 3], [0, 0, 0, 0, 50], mix), 5) for _ in range(20)]
        thresholds.append(np.mean([-fitted.intercepts[4] / fitted.slope for fitted in maps]) - 50)
    few, many = thresholds
    assert 0.5 < few < 1.25 < many < 1.75


def test_a_label_without_calibration_images_takes_the_intercept_of_the_others_above_its_own_level():
    mix = np.array([0.5, 0.3, 0.2, 0.0])
    fitted = fit_logistic(*draw_pairs(np.random.default_rng(5), 300, [3] * 4, [0, 0, 0, 7], mix), 4)
    assert -fitted.intercepts[3] / fitted.slope == pytest.approx(8.5, abs=0.4)


def test_every_kind_of_pair_weighs_its_share_within_each_claimed_label():
    claimed, kinds = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 1])
    weights = pairs(np.zeros(6), claimed, kinds, (1, 3)).weights(2)
    assert weights.tolist() == pytest.approx([1 / 12] * 3 + [3 / 4] + [1 / 2] * 2)


@pytest.mark.parametrize("noise", [0, 1])
def test_a_score_of_the_claimed_label_alone_is_at_chance_and_its_map_says_a_half(noise):
    """200 tables: the kept AUROC is one half on average, where pairs of all labels together gave 0.67."""
    rng, offsets, found, said = np.random.default_rng(6), [0.0, -0.5, -1.5, -2.5, -3.5], [], []
    for _ in range(200):
        both = draw_pairs(rng, 60, [0] * 5, offsets)
        if not noise:
            both = [replace(each, raw=np.array(offsets)[each.claimed]) for each in both]
        fitted = fit_logistic(*both, 5)
        found.append(fitted.auroc)
        said += [sigmoid(fitted.slope * each.raw + np.array(fitted.intercepts)[each.claimed]) for each in both]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - 0.5) <= 3 * error
    chances = np.concatenate(said)
    assert np.abs(chances - 0.5).mean() < (0.05 if noise else 1e-6)


def near(axis, count, generator, spread=0.25):
    """Directions about an axis, shape (count, WIDTH)."""
    return normalize(axis + spread * torch.randn(count, WIDTH, generator=generator), dim=-1)


@pytest.fixture(scope="module")
def fitted():
    """CAS fitted on three labels whose images lie near their texts, and what it was fitted on."""
    generator, axes = torch.Generator().manual_seed(0), torch.eye(WIDTH)[:3]
    texts = [
        LabelTexts(near(axis, 5, generator), near(axis, 3, generator), near(-axis, 3, generator), torch.ones(3))
        for axis in axes
    ]
    # visual features are positive and mostly the same; only a few numbers tell images from what is none
    common = torch.ones(WIDTH)

    def seen(axis, count):
        visual = (common + 0.3 * axis + 0.1 * torch.randn(count, WIDTH, generator=generator)).clamp_min(0)
        return ImageFeatures(near(axis, count, generator), 3 * visual)

    raw = RawScores(Evidence(texts, [seen(axis, 20).visual for axis in axes], scale=10.0, neighbours=5))
    features = ImageFeatures.join([seen(axis, 30) for axis in axes])
    labels = torch.arange(3).repeat_interleave(30)
    none = ImageFeatures(features.aligned, features.visual.flip(0) * torch.linspace(0, 2, WIDTH))
    maps = calibrate(raw, features, labels, (none, labels), none[:20])
    return ClinicalAlignment(raw, maps), features, labels, none


def test_dimensions_of_the_label_separate_own_labels_from_others(fitted):
    cas, features, labels, _ = fitted
    matched, mismatched = cas(features, labels).mean(0), cas(features, (labels + 1) % 3).mean(0)
    for name, own, other in zip(cas.names, matched, mismatched, strict=True):
        if DIMENSIONS[name].mismatched == "other_labels":
            assert own > 0.75 > 0.35 > other, name


def test_plausibility_separates_images_from_what_is_none_whatever_the_label(fitted):
    cas, features, labels, none = fitted
    place = cas.names.index("plausibility")
    assert cas(features, labels)[:, place].mean() > 0.75
    assert all(cas(none, (labels + shift) % 3)[:, place].mean() < 0.25 for shift in range(3))


def test_mismatched_pairs_are_counted_for_what_a_dimension_asks(fitted):
    """Of 90 images: two other labels each; or 90 damaged ones and 20 of other modalities."""
    cas, features, labels, none = fitted
    for others, count in ((none[:20], 90 + 90 + 20), (None, 90 + 90)):
        maps = calibrate(cas.raw, features, labels, (none, labels), others)
        assert maps["plausibility"].pairs == count
        assert maps["alignment"].pairs == 90 + 180
