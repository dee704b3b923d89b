"""How a step's batch is divided: among processes, and among parts whose gradients are accumulated."""

from dataclasses import dataclass

from craft.core.seeds import Draws


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
