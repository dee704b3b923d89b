"""Matching: what stands at the real distribution is left alone, what does not is pulled to its own rank."""

import pytest
import torch

from craft.core.errors import CraftError
from craft.reward.matching import Matching, middle_ranks
from craft.reward.scored import Scored
from craft.reward.settings import ObjectiveSettings

COUNT = 9
# two labels whose real rewards differ, in no order
REAL = torch.cat([torch.linspace(0.2, 0.6, COUNT), torch.linspace(0.5, 0.9, COUNT)])
REAL_LABELS = torch.arange(2).repeat_interleave(COUNT)


def make_matching(match: str, **changes) -> Matching:
    order = torch.randperm(len(REAL), generator=torch.Generator().manual_seed(0))
    return Matching(ObjectiveSettings(match=match, **changes), REAL[order], REAL_LABELS[order], 2)


def scored(rewards: torch.Tensor, labels: torch.Tensor) -> Scored:
    n = len(labels)
    return Scored(labels, torch.arange(n), rewards, torch.zeros(n, 4), torch.zeros(n, 3))


def real_quantiles(count: int) -> Scored:
    """For each label, images whose rewards are the real quantiles of `count` ranks."""
    ranks = (torch.arange(count) + 0.5) / count
    groups = [REAL[label == REAL_LABELS].quantile(ranks) for label in (0, 1)]
    return scored(torch.cat(groups), torch.arange(2).repeat_interleave(count))


@pytest.mark.parametrize("match", ["ranks", "ranks_two_sided"])
@pytest.mark.parametrize("count", [1, 4, COUNT, 30])
def test_ranks_ask_nothing_of_the_real_distribution(match, count):
    images = real_quantiles(count)
    assert make_matching(match)(images, images) == pytest.approx(0.0, abs=1e-6)


def test_what_lies_below_its_rank_is_pulled_by_what_it_lacks_and_what_exceeds_it_by_two_sides_only():
    past, low, high = real_quantiles(4), real_quantiles(4), real_quantiles(4)
    low.reward.sub_(0.01), high.reward.add_(0.01)  # too little to change a rank's neighbours
    one, two = make_matching("ranks"), make_matching("ranks_two_sided")
    lower_ranks = low.detach()  # among themselves, they have their own ranks
    assert one(low, lower_ranks) == pytest.approx(0.01, abs=1e-6)
    assert one(high, high) == 0.0
    assert two(high, high) == pytest.approx(0.01, abs=1e-6)
    rewards = high.reward.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(two(scored(rewards, high.labels), high), rewards)
    assert (gradient > 0).all(), "a step down the gradient lowers what exceeds"
    rewards = low.reward.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(one(scored(rewards, low.labels), past), rewards)
    assert (gradient <= 0).all() and (gradient < 0).any()


def test_a_rank_is_that_among_earlier_images_of_the_same_label():
    labels = torch.zeros(3, dtype=torch.long)
    images, worse, better = (scored(torch.tensor(each), labels) for each in ([0.3] * 3, [0.1] * 3, [0.5] * 3))
    assert middle_ranks(images, worse).tolist() == pytest.approx([5 / 6] * 3)
    assert middle_ranks(images, better).tolist() == pytest.approx([1 / 6] * 3)
    assert middle_ranks(images, images).tolist() == pytest.approx([0.5] * 3)
    assert middle_ranks(images, scored(better.reward, labels + 1)).tolist() == [0.5] * 3
    assert middle_ranks(images, images[:0]).tolist() == [0.5] * 3
    pull = make_matching("ranks")
    assert pull(images, worse) > pull(images, better)


def test_saturation_at_the_median_pulls_the_lower_half_only():
    pull, median = make_matching("saturate", saturation=[0.5]), REAL[:COUNT].median()
    images = scored(torch.stack([median - 0.1, median + 0.1]), torch.zeros(2, dtype=torch.long))
    assert pull(images, images[:0]) == pytest.approx(0.05, abs=1e-6)


def test_maximise_never_ends():
    rewards = torch.tensor([0.2, 0.99]).requires_grad_(True)
    images = scored(rewards, torch.tensor([0, 1]))
    (gradient,) = torch.autograd.grad(make_matching("maximise")(images, images[:0]), rewards)
    assert gradient.tolist() == [-0.5, -0.5]


def test_a_label_without_a_real_image_is_named():
    with pytest.raises(CraftError, match="label number 1 has no image in the split `calibration`"):
        Matching(ObjectiveSettings(), REAL[:COUNT], REAL_LABELS[:COUNT], 2)
