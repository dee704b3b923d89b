"""Full finetuning: all weights of the UNet, trained with the denoising loss on a dataset's training images."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from craft.core.settings import Positive
from craft.training.methods.denoising import DenoisingMethod, SupervisedLoop

if TYPE_CHECKING:
    from torch import nn

    from craft.knowledge.schema import Knowledge
    from craft.models.foundation import Foundation


class FullLoop(SupervisedLoop):
    """The training loop, with the defaults of full finetuning."""

    steps: Positive = Field(500, description="optimiser steps")
    batch: Positive = Field(32, description="images a process holds at a time")
    learning_rate: float = Field(5e-4, gt=0, description="at the height of the schedule")


class FullMethod(DenoisingMethod):
    """The whole UNet, trained with the denoising loss; its weights are the result."""

    kind: Literal["full"] = Field(description="all weights of the UNet, trained on the real training images")
    training: FullLoop = Field(FullLoop(), description="the training loop")

    def parameters(self, foundation: "Foundation", knowledge: "Knowledge") -> list["nn.Parameter"]:
        """See `DenoisingMethod.parameters`."""
        return foundation.train_whole()


METHOD = FullMethod
