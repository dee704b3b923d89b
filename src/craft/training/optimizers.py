"""The optimisers of the loop: AdamW, and Muon for networks of convolutions that are trained from scratch.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) steps along the nearest orthogonal matrix to the
momentum. A kernel counts as the matrix (out, in * height * width), and what has one dimension is left to AdamW. Steps
have the size of AdamW's (Liu et al. 2025, arXiv 2502.16982), so that one learning rate serves both.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from craft.training.processes import share_work
from craft.training.settings import LoopSettings

MOMENTUM = 0.95
ITERATIONS, A, B, C = 5, 3.4445, -4.7750, 2.0315  # of Newton and Schulz


class Optimizer:
    """Steps parameters by their gradients, in place.

    Args:
        parameters: what is trained; they keep their storage and their memory layout.
        training: names the optimiser and its first learning rate.
        weight_decay: decoupled from the gradient.
        accelerator: the processes of the training.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        training: LoopSettings,
        weight_decay: float,
        accelerator: Accelerator,
    ):
        rates = {"lr": training.learning_rate, "weight_decay": weight_decay}
        shaped = [parameter for parameter in parameters if parameter.ndim > 1 and training.optimizer == "muon"]
        self.matrices = {parameter: nn.Parameter(as_matrix(parameter.detach(), parameter)) for parameter in shaped}
        others = [parameter for parameter in parameters if parameter not in self.matrices]
        self.parts: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, **rates)] if others else []
        self.owner = dict.fromkeys(others, self.parts[0]) if others else {}
        if shaped:
            self.parts.append(Muon(self.matrices.values(), rates, accelerator))
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


class Muon(torch.optim.Optimizer):
    """`torch.optim.Muon` in the matrices' own precision: a CPU that emulates its bfloat16 takes twenty times as long.

    Args:
        matrices: what is trained.
        rates: `lr` and `weight_decay`.
        accelerator: the processes, which share the work.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], rates: dict[str, float], accelerator: Accelerator):
        super().__init__(matrices, rates)
        self.accelerator = accelerator

    @torch.no_grad()
    def step(self) -> None:
        """Take a step with Nesterov's momentum, each update as large as AdamW's."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape.setdefault(matrix.shape, []).append(matrix)
            stacks = [torch.stack([self.direction(matrix) for matrix in same]) for same in by_shape.values()]
            for same, stack in zip(by_shape.values(), share_work(self.accelerator, orthogonal, stacks), strict=True):
                for matrix, direction in zip(same, stack, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(direction, alpha=-group["lr"] * 0.2 * math.sqrt(max(matrix.shape)))

    def direction(self, matrix: Tensor) -> Tensor:
        """Where the momentum, its gradient taken in, and the gradient itself point (Nesterov)."""
        state = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        return matrix.grad.lerp(state["momentum"].lerp_(matrix.grad, 1 - MOMENTUM), MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly the nearest orthogonal matrices, by Newton-Schulz iterations of the fifth order.

    Their coefficients bring singular values near 1 in few iterations and not all the way: between 0.7 and 1.2. Every
    iteration multiplies X by Q = a + b X X' + c (X X')^2. The product of all Q needs only the small square X X', which
    becomes Q X X' Q: kernels have many more columns than rows, and X itself is multiplied once.

    Args:
        matrices: shape (n, rows, columns).
    """
    tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if tall else matrices
    wide = wide / torch.linalg.matrix_norm(wide, keepdim=True).clamp(min=1e-7)
    square, product = wide @ wide.mT, None
    for iteration in range(ITERATIONS):
        step = torch.baddbmm(square, square, square, beta=B, alpha=C)
        step.diagonal(dim1=1, dim2=2).add_(A)
        product = step if product is None else step @ product
        if iteration < ITERATIONS - 1:
            square = step @ square @ step
    wide = product @ wide
    return wide.mT if tall else wide


def as_matrix(values: Tensor, like: nn.Parameter) -> Tensor:
    """Values shaped like a parameter as a matrix of one row for every output.

    The columns are in the parameter's order in memory, so that the parameter's own values are not copied.
    """
    if not like.is_contiguous():
        values = values.permute(0, *range(2, values.ndim), 1)
    return values.reshape(len(values), -1)
