"""Calibration: it separates matched from mismatched pairs, balances them, and refuses to reward the opposite."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from craft.core.errors import CraftError
from craft.reward.calibration import calibrate, fit_logistic
from craft.reward.cas import ClinicalAlignment, RawScores
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, ImageFeatures, LabelTexts

WIDTH = 8


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_matched_pairs_score_above_a_half_and_mismatched_ones_below():
    rng = np.random.default_rng(0)
    fitted = fit_logistic(rng.normal(2, 0.5, 200), rng.normal(-1, 0.5, 200))
    assert sigmoid(fitted.slope * 2 + fitted.intercept) > 0.9
    assert sigmoid(fitted.slope * -1 + fitted.intercept) < 0.1
    assert fitted.auroc > 0.99 and fitted.pairs == 400


def test_a_half_means_as_likely_as_not_however_unequal_the_sides_are_in_number():
    rng = np.random.default_rng(1)
    fitted = fit_logistic(rng.normal(1, 1, 100), rng.normal(-1, 1, 2000))
    assert abs(sigmoid(fitted.intercept) - 0.5) < 0.08  # the sides cross at zero


def test_a_dimension_that_separates_the_wrong_way_says_a_half_of_everything():
    rng = np.random.default_rng(2)
    fitted = fit_logistic(rng.normal(-1, 0.5, 100), rng.normal(1, 0.5, 100))
    assert (fitted.slope, fitted.intercept) == (0.0, 0.0)
    assert fitted.auroc < 0.1


@pytest.mark.parametrize(("matched", "mismatched"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_empty_or_non_finite_scores_are_refused_with_a_sentence(matched, mismatched):
    with pytest.raises(CraftError, match="calibration"):
        fit_logistic(np.array(matched), np.array(mismatched))


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
