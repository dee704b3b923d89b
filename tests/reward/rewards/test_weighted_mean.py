"""The default reward: the weighted mean of the dimensions."""

import pytest
import torch

from craft.reward.rewards import REWARDS
from craft.reward.rewards.base import Seen
from craft.reward.settings import ObjectiveSettings

NAMES = ["alignment", "specificity", "checklist", "plausibility"]
SCORES = torch.tensor([[0.0, 0.25, 0.5, 1.0], [1.0, 1.0, 1.0, 1.0]])
SEEN = Seen(torch.zeros(2, 3, 4, 4), torch.tensor([0, 1]), torch.zeros(2, 5), SCORES, NAMES)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [({}, [0.4375, 1.0]), ({"plausibility": 3.0, "specificity": 1.0}, [0.8125, 1.0]), ({"checklist": 7.0}, [0.5, 1.0])],
)
def test_weights_count_relative_to_their_sum_and_a_dimension_without_one_does_not_count(weights, expected):
    objective = ObjectiveSettings(**({"weights": weights} if weights else {}))
    assert REWARDS["weighted_mean"](SEEN, objective).tolist() == pytest.approx(expected)


def test_a_dimension_is_found_by_its_name():
    assert SEEN.dimension("checklist").tolist() == [0.5, 1.0]
