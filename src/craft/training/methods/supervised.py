"""Supervised adaptation: a LoRA adapter (Hu et al. 2022) trained with the denoising loss on the training images."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from craft.training.methods.denoising import DenoisingMethod
from craft.training.settings import LoraSettings

if TYPE_CHECKING:
    from torch import nn

    from craft.knowledge.schema import Knowledge
    from craft.models.foundation import Foundation


class LoraMethod(DenoisingMethod):
    """What the kinds share that train LoRA weights: fresh ones, or those of what they start from."""

    lora: LoraSettings = Field(
        LoraSettings(), description="shape of the adapter, where what it starts from has no LoRA weights"
    )

    def parameters(self, foundation: "Foundation", knowledge: "Knowledge") -> list["nn.Parameter"]:
        """See `DenoisingMethod.parameters`."""
        return foundation.adapter_parameters() if foundation.has_adapter else foundation.add_adapter(**dict(self.lora))


class SupervisedMethod(LoraMethod):
    """A LoRA adapter trained with the denoising loss on the dataset's training images."""

    kind: Literal["supervised"] = Field(description="a LoRA adapter trained on the real training images")


METHOD = SupervisedMethod
