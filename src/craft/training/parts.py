"""How a step's batch is divided: among processes, and among parts whose gradients are accumulated."""

from dataclasses import dataclass

import torch
from torch import Tensor

from craft.core.seeds import Draws
from craft.training.processes import gather


@dataclass(frozen=True)
class Part:
    """One share of one step's batch.

    Attributes:
        step: 1, 2, ...
        share: which share of the batch this is, counted from 0.
        shares: how many equal shares the batch has.
    """

    step: int
    share: int = 0
    shares: int = 1

    def draws(self, *name: str | int) -> Draws:
        """This share's random numbers at this step, for one purpose."""
        return Draws(*name, self.step, share=self.share, shares=self.shares)

    def places(self, count: int) -> Tensor:
        """Places in the whole batch, shape (count,), of this share's images."""
        return torch.arange(self.share * count, (self.share + 1) * count)

    def write(self, whole: Tensor, own: Tensor) -> None:
        """Write this share's rows into `whole` (shares, ...), and those that other processes write at the same time.

        So `whole` is the same in every process, and the checkpoint of any of them holds it.
        """
        whole[gather(torch.tensor(self.share, device=whole.device))] = gather(own)
