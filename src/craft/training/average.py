"""An exponential mean of the weights, which samples better than the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """The running mean of `parameters`; with a decay of 0, the parameters themselves.

    The decay warms up (1 - (1 + step)^-0.75) until it reaches `decay`, so that the start is forgotten.
    """

    def __init__(self, parameters: list[nn.Parameter], decay: float):
        from diffusers.training_utils import EMAModel

        self.parameters = parameters
        self.mean = EMAModel(parameters, decay=decay, use_ema_warmup=True, power=0.75) if decay else None

    def update(self) -> None:
        """Take in the parameters after a step."""
        if self.mean:
            self.mean.step(self.parameters)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the parameters hold their mean."""
        if not self.mean:
            yield
            return
        self.mean.store(self.parameters)
        self.mean.copy_to(self.parameters)
        try:
            yield
        finally:
            self.mean.restore(self.parameters)

    def keep(self) -> None:
        """Leave the mean in the parameters for good."""
        if self.mean:
            self.mean.copy_to(self.parameters)

    def tensors(self) -> dict[str, Tensor]:
        """What must survive an interruption."""
        if not self.mean:
            return {}
        shadow = {str(index): tensor for index, tensor in enumerate(self.mean.shadow_params)}
        return shadow | {"steps": torch.tensor(self.mean.optimization_step)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        if self.mean:
            self.mean.optimization_step = int(tensors.pop("steps"))
            self.mean.shadow_params = [tensors[str(index)] for index in range(len(tensors))]
