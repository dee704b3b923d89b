"""Generated images as the reward saw them: what the terms of the objective compare with real images."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scored:
    """n images: those of a batch, differentiable, or those that earlier batches left, detached.

    Attributes:
        labels: numbers of the intended labels, shape (n,).
        places: in the whole batch, shape (n,); images of one place may show one sample and are never compared.
        reward: R, shape (n,), about [0, 1].
        dimensions: calibrated dimensions in the order of `craft.reward.dimensions.DIMENSIONS`, shape (n, d).
        visual: features of the reward's vision encoder, shape (n, width).
    """

    labels: Tensor
    places: Tensor
    reward: Tensor
    dimensions: Tensor
    visual: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor | slice) -> Self:
        """Some of the images."""
        return type(self)(**{name: tensor[rows] for name, tensor in self.tensors().items()})

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Several sets of images one after the other; their places are those within their own set."""
        return cls(**{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)})

    def detach(self) -> Self:
        """The same without their gradient."""
        return type(self)(**{name: tensor.detach() for name, tensor in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """Name of an attribute -> tensor."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
