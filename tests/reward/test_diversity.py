"""The pull on diversity: it ends at real images' level, and pushes collapsed images away from earlier ones."""

import pytest
import torch

from craft.reward.diversity import Diversity, diversity_of_labels
from craft.reward.scored import Scored

LABELS = torch.arange(12) % 2


def scored(visual: torch.Tensor, places: torch.Tensor | None = None) -> Scored:
    n = len(visual)
    places = torch.arange(n) if places is None else places
    return Scored(LABELS[:n], places, torch.zeros(n), torch.zeros(n, 4), visual)


def features(seed: int = 0) -> torch.Tensor:
    return torch.randn(12, 8, generator=torch.Generator().manual_seed(seed)) + 1.0


REAL = scored(features())


def test_the_level_is_the_mean_cosine_distance_of_two_images_of_a_label():
    level = Diversity(REAL, 2).level
    for label in (0, 1):
        own = REAL.visual[label == LABELS]
        cosines = torch.nn.functional.cosine_similarity(own[:, None], own[None], dim=2)
        assert level[label] == pytest.approx(1 - cosines[~torch.eye(6, dtype=torch.bool)].mean().item(), abs=1e-6)


def test_the_pull_vanishes_where_earlier_images_are_as_diverse_as_real_ones():
    pull, wider = Diversity(REAL, 2), scored(features() - 1.0)
    visual = features(1).requires_grad_(True)
    for past in (REAL, wider):
        lack = pull(scored(visual), past)
        assert lack == 0.0
        assert torch.autograd.grad(lack, visual)[0].abs().max() == 0.0


def test_collapsed_images_are_pulled_up_to_the_real_level_and_following_the_gradient_spreads_them():
    pull = Diversity(REAL, 2)
    same = scored(REAL.visual.mean(0).expand(12, -1) + 0.01 * features(1))
    visual = same.visual.clone().requires_grad_(True)
    lack = pull(scored(visual), same)
    missing = (pull.level - diversity_of_labels(same, 2)).mean()
    assert 0 < lack.item() == pytest.approx(missing.item(), rel=0.2)
    (gradient,) = torch.autograd.grad(lack, visual)
    assert (gradient.norm(dim=1) > 0).all()
    assert pull(scored(visual - 0.5 * gradient.sign()), same) < lack


def test_images_of_one_place_are_not_compared():
    """They may be one sample that serves several steps."""
    pull, places = Diversity(REAL, 2), torch.arange(12) // 2
    twice = scored(REAL.visual[torch.arange(12) % 2], places % 2)
    assert torch.isnan(diversity_of_labels(scored(REAL.visual, torch.zeros(12)), 2)).all()
    own = scored(twice.visual[:2], torch.tensor([0, 1]))
    assert pull(own, scored(own.visual, torch.tensor([0, 1]))) == 0.0
    assert pull(own, scored(own.visual, torch.tensor([2, 3]))) == 0.0, "one image of a label says nothing of it"


def test_without_earlier_images_nothing_is_pulled():
    assert Diversity(REAL, 2)(scored(features(1)), REAL[:0]) == 0.0


def test_only_labels_that_lack_diversity_are_pulled():
    past = REAL.visual.clone()
    past[LABELS == 0] = past[0] + 0.01 * features(2)[LABELS == 0]
    visual = past.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(Diversity(REAL, 2)(scored(visual), scored(past)), visual)
    assert (gradient[LABELS == 0].norm(dim=1) > 0).all() and gradient[LABELS == 1].abs().max() == 0.0
