"""Which steps of a sampled trajectory carry the reward's gradient.

- `last`: the last K steps, for all samples (DRaFT-K, Clark et al. 2024);
- `random`: a suffix of random length, one draw per sample: a variant of AlignProp (Prabhudesai et al. 2023), whose
  released code draws for a whole batch, anew at every step, whether that step's prediction is trained;
- `refl`: one step at random in the last quarter, one draw per batch; the sampling ends there, and the step's clean
  estimate is scored (ReFL, Xu et al. 2023, which draws one of the last 10 of 40 steps);
- `drtune`: K evenly spread steps with the model's input cut off, so that the gradient runs through the solver's linear
  terms only; the sampling ends at a random late step, whose clean estimate is scored (DRTune, Wu et al. 2024). Where
  the spread begins and that late means the last quarter is our choice;
- `full`: all steps.

`direct`, which goes no way through the sampler, is in `craft.training.direct`. All of these predict with guidance, as
generation does. With `variants` n above 1 the last step is repeated n - 1 times
from fresh noise on the result (DRaFT-LV): more gradient samples of a trajectory that is paid for already.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from craft.core.seeds import Draws
from craft.training.settings import LATE, BackpropSettings


@dataclass(frozen=True)
class GradientPlan:
    """The gradient's way through one batch.

    Attributes:
        starts: first step with gradient of every sample, shape (n,), or of all of them, shape (1,).
        steps: the steps whose prediction is trained; None means all from `starts` on.
        linear: whether the model's input is cut off.
        stop: the step whose clean estimate is the result; None means the end.
        variants: results per sample.
    """

    starts: Tensor | None = None
    steps: frozenset[int] | None = None
    linear: bool = False
    stop: int | None = None
    variants: int = 1

    @classmethod
    def draw(cls, settings: BackpropSettings, steps: int, count: int, draws: Draws) -> "GradientPlan":
        """A plan for `count` samples of `steps` sampling steps."""
        if settings.mode == "full":
            return cls(torch.tensor([0]), variants=settings.lv)
        if settings.mode == "last":
            return cls(torch.tensor([steps - settings.steps]), variants=settings.lv)
        if settings.mode == "random":
            return cls(draws.integers(steps, count))
        stop = steps - 1 - draws.common(math.ceil(LATE * steps))
        if settings.mode == "refl":
            return cls(torch.tensor([stop]), stop=stop)
        stride = max(1, (stop + 1) // settings.steps)
        offset = draws.common(stride)
        trained = frozenset(range(offset, stop + 1, stride)[: settings.steps])
        return cls(torch.tensor([offset]), trained, linear=True, stop=stop)

    def first(self, steps: int) -> int:
        """The first step of any sample that carries a gradient; `steps` if none does."""
        return steps if self.starts is None or not torch.is_grad_enabled() else int(self.starts.min())

    def last(self, steps: int) -> int:
        """The last step that is taken."""
        return steps - 1 if self.stop is None else self.stop

    def trains(self, index: int) -> bool:
        """Whether the prediction of a step is trained."""
        return self.steps is None or index in self.steps

    def truncate(self, index: int, sample: Tensor) -> Tensor:
        """Cut the gradient of the samples whose part has not begun at this step."""
        if self.starts is None or not sample.requires_grad:
            return sample
        begun = (self.starts <= index).to(sample.device).view(-1, 1, 1, 1)
        return torch.where(begun, sample, sample.detach())


NO_GRADIENT = GradientPlan()
