"""The optimisers of the loop: AdamW, and Muon for networks of convolutions that are trained from scratch.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) steps along the nearest orthogonal matrix to the
momentum. PyTorch's takes matrices only; here a kernel counts as the matrix (out, in * height * width), and what has one
dimension is left to AdamW. Steps have the size of AdamW's, so that one learning rate serves both.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from craft.training.settings import LoopSettings


class Optimizer:
    """Steps parameters by their gradients, in place.

    Args:
        parameters: what is trained; they keep their storage and their memory layout.
        training: names the optimiser and its first learning rate.
        weight_decay: decoupled from the gradient.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], training: LoopSettings, weight_decay: float):
        rates = {"lr": training.learning_rate, "weight_decay": weight_decay}
        shaped = [parameter for parameter in parameters if parameter.ndim > 1 and training.optimizer == "muon"]
        self.matrices = {parameter: nn.Parameter(as_matrix(parameter.detach(), parameter)) for parameter in shaped}
        others = [parameter for parameter in parameters if parameter not in self.matrices]
        self.parts: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, **rates)] if others else []
        self.owner = dict.fromkeys(others, self.parts[0]) if others else {}
        if shaped:
            self.parts.append(torch.optim.Muon(self.matrices.values(), **rates, adjust_lr_fn="match_rms_adamw"))
            self.owner |= dict.fromkeys(self.matrices.values(), self.parts[-1])

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in (*self.matrices, *self.owner):
            parameter.grad = None

    def step(self, learning_rate: float) -> None:
        """Take a step."""
        for parameter, matrix in self.matrices.items():
            matrix.grad = None if parameter.grad is None else as_matrix(parameter.grad, parameter)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = learning_rate
            part.step()

    def moments(self, parameter: nn.Parameter) -> dict[str, Any]:
        """What is remembered of a parameter's gradients; the dictionary itself, to read and to fill."""
        stands_for = self.matrices.get(parameter, parameter)
        return self.owner[stands_for].state[stands_for]


def as_matrix(values: Tensor, like: nn.Parameter) -> Tensor:
    """Values shaped like a parameter as a matrix of one row for every output.

    The columns are in the parameter's order in memory, so that the parameter's own values are not copied.
    """
    if not like.is_contiguous():
        values = values.permute(0, *range(2, values.ndim), 1)
    return values.reshape(len(values), -1)
