"""Calibration: it separates matched from mismatched pairs, balances them, and refuses to reward the opposite."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from craft.core.errors import CraftError
from craft.reward.calibration import calibrate, fit_logistic
from craft.reward.cas import ClinicalAlignment, RawScores
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, LabelTexts

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


def test_every_dimension_separates_own_labels_from_others_on_images_near_their_texts():
    generator = torch.Generator().manual_seed(0)
    axes = torch.eye(WIDTH)[:3]

    def near(axis, count, spread=0.25):
        return normalize(axis + spread * torch.randn(count, WIDTH, generator=generator), dim=-1)

    texts = [LabelTexts(near(axes[y], 5), near(axes[y], 3), near(-axes[y], 3), torch.ones(3)) for y in range(3)]
    raw = RawScores(Evidence(texts, [near(axes[y], 20) for y in range(3)], scale=10.0, neighbours=5))
    features, labels = torch.cat([near(axes[y], 30) for y in range(3)]), torch.arange(3).repeat_interleave(30)
    damaged = normalize(torch.randn(90, WIDTH, generator=generator), dim=-1)
    maps = calibrate(raw, features, labels, (damaged, labels), others=-features[:20])
    cas = ClinicalAlignment(raw, maps)
    matched, mismatched = cas(features, labels).mean(0), cas(features, (labels + 1) % 3).mean(0)
    for name, own, other in zip(DIMENSIONS, matched, mismatched, strict=True):
        assert own > 0.75 > 0.35 > other, name
