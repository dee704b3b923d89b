"""The reward of the weakest link: an image is worth what its worst dimension is; none can be bought with another."""

import torch
from torch import Tensor

from craft.reward.rewards import REWARDS
from craft.reward.rewards.base import Seen
from craft.reward.settings import RatingSettings

# the larger, the nearer to the plain minimum, and the fewer dimensions have a gradient
SHARPNESS = 10.0


@REWARDS.register("weakest")
def weakest(seen: Seen, settings: RatingSettings) -> Tensor:
    """Soft minimum (n,) of the dimensions that have a weight, in [0, 1]."""
    chosen = torch.stack([seen.dimension(name) for name in settings.weights], dim=1)
    shares = torch.softmax(-SHARPNESS * chosen, dim=1)
    return (shares * chosen).sum(1)
