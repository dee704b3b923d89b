"""Reliability: a score that is a probability lies on the diagonal, an overconfident one does not."""

import numpy as np
import pytest

from craft.evaluation.settings import ScoringSettings
from craft.evaluation.validity.reliability import reliability

SCORING = ScoringSettings(bootstrap=100)


def measure(distort, labels=None) -> dict[str, list[dict]]:
    """Rows by metric of 20 000 pairs whose scores, before they are distorted, are true probabilities."""
    rng = np.random.default_rng(0)
    chance = rng.random(40_000)
    match = rng.random(40_000) < chance
    count = min(match.sum(), (~match).sum())
    matched, mismatched = distort(chance[match][:count]), distort(chance[~match][:count, None])
    labels = np.zeros(count, int) if labels is None else labels(count)
    place = {"evaluator": "e", "role": "r", "source": "s"}
    rows = list(reliability(matched, mismatched, labels, SCORING, "d", "alignment", **place))
    return {metric: [row for row in rows if row["metric"] == metric] for metric in ("observed", "calibration_error")}


def test_true_probabilities_lie_on_the_diagonal():
    found = measure(lambda scores: scores)
    assert [row["value"] for row in found["observed"]] == pytest.approx(
        [row["level"] for row in found["observed"]], abs=0.03
    )
    assert found["calibration_error"][0]["value"] < 0.02


def test_overconfidence_shows_as_an_error():
    found = measure(lambda scores: np.clip((scores - 0.5) * 3 + 0.5, 0, 1))
    assert found["calibration_error"][0]["value"] > 0.1


def test_a_rare_label_counts_as_much_as_a_frequent_one():
    """Of a label that makes up a tenth, all scores are one half: alike it moves the bins as half of the pairs do."""
    rare = lambda count: (np.arange(count) % 10 == 0).astype(int)  # noqa: E731
    flat = lambda scores: np.where(rare(len(scores)).reshape(-1, *[1] * (scores.ndim - 1)), 0.9, scores)  # noqa: E731
    (error,) = measure(flat, rare)["calibration_error"]
    assert error["value"] > 1.8 * error["natural"]
