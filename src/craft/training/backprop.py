"""Which steps of a sampled trajectory carry the reward's gradient.

- `last`: the last K steps, for all samples (DRaFT-K, Clark et al. 2024);
- `random`: a suffix of random length, one draw per sample (AlignProp, Prabhudesai et al. 2023);
- `refl`: one step at random in the last third, whose clean estimate is scored (ReFL, Xu et al. 2023);
- `drtune`: K spread steps with the model's input cut off, so that the gradient runs through the solver's linear terms
  only (DRTune, Wu et al. 2024);
- `full`: all steps.

With `variants` n above 1 the last step is repeated n - 1 times from fresh noise on the result (DRaFT-LV): more
gradient samples of a trajectory that is paid for already.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from craft.core.seeds import Draws
from craft.training.settings import BackpropSettings


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
        if settings.mode == "refl":
            late = math.ceil(steps / 3)
            stop = steps - 1 - draws.common(late)
            return cls(torch.tensor([stop]), stop=stop)
        stride = steps // settings.steps
        offset = draws.common(stride)
        trained = frozenset(offset + index * stride for index in range(settings.steps))
        return cls(torch.tensor([offset]), trained, linear=True)

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
