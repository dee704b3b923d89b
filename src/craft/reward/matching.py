"""How generated rewards are brought to those of real images: the choices of `objective.match`.

- `saturate`: an image is pulled by the share of real images of its label that score higher (quantiles of their
  rewards), less and less as it rises among them, and no longer above the highest quantile;
- `ranks`: an image is pulled up to the real reward of its own rank. Its rank is the one that it would have among the
  rewards of its label in the last batches, so that the whole distribution, and not every single image, ends where real
  images stand (optimal transport in one dimension);
- `ranks_two_sided`: the same, and what stands above its rank is pulled down;
- `maximise`: without a limit, as others do it, to compare with.
"""

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.reward.scored import Scored
from craft.reward.settings import ObjectiveSettings


class Matching(nn.Module):
    """The pull of a batch towards the real rewards of its labels.

    Args:
        objective: which match, and the quantiles of `saturate`.
        real: rewards of real images, shape (n,).
        labels: numbers of their labels, shape (n,).
        count: number of labels.

    Attributes:
        levels: the asked quantiles of every label, shape (labels, quantiles).
        real: the rewards of every label, shape (labels, most); shorter rows end in NaN.
    """

    def __init__(self, objective: ObjectiveSettings, real: Tensor, labels: Tensor, count: int):
        super().__init__()
        self.match = objective.match
        groups = [real[labels == label] for label in range(count)]
        if empty := [label for label, group in enumerate(groups) if not len(group)]:
            raise CraftError(f"label number {empty[0]} has no image in the split `calibration`; give it some")
        quantiles = torch.tensor(objective.saturation).to(real)
        self.register_buffer("levels", torch.stack([group.quantile(quantiles) for group in groups]))
        self.register_buffer("real", nn.utils.rnn.pad_sequence(groups, batch_first=True, padding_value=torch.nan))

    def forward(self, images: Scored, past: Scored) -> Tensor:
        """The pull, a differentiable mean over the images.

        Args:
            images: of a batch.
            past: of the batches before; without any of its label, an image has the middle rank.
        """
        if self.match == "maximise":
            return (1 - images.reward).mean()
        if self.match == "saturate":
            return torch.relu(self.levels[images.labels] - images.reward[:, None]).mean()
        lacking = self.at_rank(images, past) - images.reward
        return (torch.relu(lacking) if self.match == "ranks" else lacking.abs()).mean()

    @torch.no_grad()
    def at_rank(self, images: Scored, past: Scored) -> Tensor:
        """The real reward of every image's rank among `past`, shape (n,)."""
        ranks, wanted = middle_ranks(images, past), torch.empty_like(images.reward)
        for label in images.labels.unique():
            rows = images.labels == label
            wanted[rows] = self.real[label].nanquantile(ranks[rows].to(self.real)).to(wanted)
        return wanted


def middle_ranks(images: Scored, past: Scored) -> Tensor:
    """Share of earlier images of the same label that score lower, equal ones counted half; shape (n,), in (0, 1).

    Like a rank (i + 1/2) / m of m images, it keeps half an image away from 0 and 1. Images of the same batch do not
    count, so that the division of a batch changes nothing.
    """
    same = images.labels[:, None] == past.labels
    lower = ((past.reward < images.reward[:, None]) & same).sum(1)
    equal = ((past.reward == images.reward[:, None]) & same).sum(1)
    found = same.sum(1)
    half = 0.5 / found.clamp(min=1)
    return torch.where(found > 0, (lower + equal / 2) / found.clamp(min=1), 0.5).clamp(half, 1 - half)
