"""The default reward: the weighted mean of the calibrated dimensions of CAS."""

import torch
from torch import Tensor

from craft.reward.rewards.base import Seen
from craft.reward.settings import RatingSettings


def weighted_mean(seen: Seen, settings: RatingSettings) -> Tensor:
    """Weighted mean (n,) of the dimensions, in [0, 1]; a dimension without a weight does not count."""
    weights = torch.tensor([settings.weights.get(name, 0.0) for name in seen.names])
    return seen.dimensions @ (weights / weights.sum()).to(seen.dimensions.device)


REWARD = weighted_mean
