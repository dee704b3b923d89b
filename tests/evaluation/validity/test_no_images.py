"""What is no image: made by name, labelled in turn, and counted below real images' quantile."""

import numpy as np
import torch

from craft.evaluation.settings import ScoringSettings
from craft.evaluation.validity.no_images import JUDGED, labels_in_turn, make_no_images, refuse
from craft.reward.damage import NO_IMAGES

SCORING = ScoringSettings(bootstrap=50)
ORIGIN = {"evaluator": "e", "role": "held_out", "source": "s"}


def test_every_kind_is_made_and_named_draws_repeat_themselves():
    first, again, other = (make_no_images(5, 16, name) for name in ("a", "a", "b"))
    assert set(first) == set(NO_IMAGES) and all(images.shape == (5, 3, 16, 16) for images in first.values())
    assert all(torch.equal(first[kind], again[kind]) for kind in first)
    assert not torch.equal(first["white_noise"], other["white_noise"])
    assert labels_in_turn(5, 3).tolist() == [0, 1, 2, 0, 1]


def test_the_share_below_the_quantile_of_real_images_is_counted_by_kind_and_score():
    real = dict.fromkeys(JUDGED, np.linspace(0, 1, 101))
    low, high = np.full(10, 0.01), np.full(10, 0.9)
    scores = {
        "blank": {"cas": low, "plain_mean": high, "plausibility": low},
        "white_noise": {"cas": np.r_[low[:5], high[:5]], "plain_mean": high, "plausibility": low},
    }
    found = refuse(scores, real, np.zeros(101), SCORING, "d", **ORIGIN)
    rows = {(row["condition"], row["dimension"]): row["value"] for row in found}
    assert rows["blank", "cas"] == 1 and rows["white_noise", "cas"] == 0.5 and rows["all", "cas"] == 0.75
    assert rows["all", "plain_mean"] == 0 and rows["all", "plausibility"] == 1


def test_the_quantile_of_real_images_weighs_labels_alike():
    """A rare label of low scores has half of the weight, so that the quantile lies among its scores."""
    labels = np.repeat([0, 1], [990, 10])
    real = dict.fromkeys(JUDGED, np.where(labels == 0, 0.8, 0.2))
    scores = {"blank": dict.fromkeys(JUDGED, np.full(4, 0.5))}
    rows = list(refuse(scores, real, labels, SCORING, "d", **ORIGIN))
    assert all((row["value"], row["natural"]) == (0, 1) for row in rows)
    assert all(row["value"] == 1 for row in refuse(scores, real, 0 * labels, SCORING, "d", **ORIGIN))
