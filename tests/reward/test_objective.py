"""The CRAFT objective: it saturates at the real level, reaches the pixels, and its anchor vanishes at the start."""

import pytest
import torch
from runs import make_alignment
from runs import make_reward as rate
from tiny import tiny_judge

from craft.core.errors import CraftError
from craft.core.seeds import Draws
from craft.reward.augment import Augmentation
from craft.reward.dimensions import DIMENSIONS
from craft.reward.objective import ClinicalReward, anchor
from craft.reward.scored import Scored
from craft.reward.settings import ObjectiveSettings

SIZE = 32
REAL = torch.rand(20, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(9)), torch.arange(20) % 2


@pytest.fixture(scope="module")
def judge():
    return tiny_judge(SIZE)


def make_reward(judge, real=REAL, **changes) -> ClinicalReward:
    objective = ObjectiveSettings(**{"augment": False} | changes)
    return rate(judge, make_alignment(judge), objective, *real)


def images(seed: int = 1) -> torch.Tensor:
    return torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def pull(reward: ClinicalReward, scored: Scored) -> torch.Tensor:
    """The pull of a first batch."""
    return reward.matching(scored, scored[:0])


LABELS = torch.tensor([0, 1, 0, 1])


def test_the_pull_is_zero_where_the_reward_stands_at_the_real_level(judge):
    reward = make_reward(judge)
    reward.matching.levels.fill_(0.0)
    scored = reward(images(), LABELS, Draws("reward"))
    assert pull(reward, scored) == 0.0 and (scored.reward > 0).all()


def test_an_image_is_pulled_by_the_quantiles_of_its_own_label_that_stand_above_it(judge):
    reward = make_reward(judge, saturation=[0.25, 0.75])
    reward.matching.levels.copy_(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    scored = reward(images(), LABELS, Draws("reward"))
    assert torch.allclose(pull(reward, scored), ((1.0 - scored.reward) * (LABELS == 0) / 2).mean())


def test_the_levels_are_the_asked_quantiles_of_each_labels_real_rewards(judge):
    reward = make_reward(judge, saturation=[0.0, 0.5, 1.0])
    real, quantiles = reward(*REAL, Draws("unused")).reward, torch.tensor([0.0, 0.5, 1.0])
    for label in (0, 1):
        assert torch.allclose(reward.matching.levels[label], real[REAL[1] == label].quantile(quantiles))


def test_a_label_without_a_calibration_image_is_named(judge):
    with pytest.raises(CraftError, match="label number 1 has no image in the split `calibration`"):
        make_reward(judge, real=(REAL[0], torch.zeros_like(REAL[1])))


def test_a_weight_of_one_dimension_makes_the_reward_that_dimension(judge):
    scored = make_reward(judge, weights={"checklist": 2.0})(images(), LABELS, Draws("reward"))
    assert torch.allclose(scored.reward, scored.dimensions[:, list(DIMENSIONS).index("checklist")])


def test_the_gradient_reaches_every_image_and_following_it_raises_the_reward(judge):
    reward, pixels = make_reward(judge), images().requires_grad_(True)
    reward.matching.levels.fill_(1.0)
    scored = reward(pixels, LABELS, Draws("reward"))
    (gradient,) = torch.autograd.grad(pull(reward, scored), pixels)
    assert (gradient.flatten(1).norm(dim=1) > 0).all()
    stepped = reward((pixels - 0.05 * gradient.sign()).detach(), LABELS, Draws("reward"))
    assert stepped.reward.mean() > scored.reward.mean()


def test_the_anchor_is_zero_for_equal_predictions_and_the_mean_square_otherwise():
    prediction = torch.randn(2, 4, 3, 3)
    assert anchor(prediction, prediction) == 0
    assert torch.isclose(anchor(prediction + 2.0, prediction), torch.tensor(4.0))


def test_augmentation_is_differentiable_seeded_and_small():
    augment, pixels = Augmentation(), images().requires_grad_(True)
    first = augment(pixels, Draws("augment", 3))
    again = augment(pixels, Draws("augment", 3))
    other = augment(pixels, Draws("augment", 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.autograd.grad(first.sum(), pixels)[0].abs().sum() > 0
    smooth = torch.full((2, 3, SIZE, SIZE), 0.5)
    assert (augment(smooth, Draws("augment", 5)) - smooth).abs().mean() < 0.1
