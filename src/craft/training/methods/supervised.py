"""Supervised adaptation: a LoRA adapter trained with the denoising loss on a dataset's training images."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from craft.core.settings import Positive
from craft.training.methods.base import MethodFiles, MethodSettings, Trained
from craft.training.settings import ComputeSettings, LoopSettings, LoraSettings, Prompts

if TYPE_CHECKING:
    from craft.training.settings import MethodJob


class SupervisedLoop(LoopSettings):
    """The training loop, with the defaults of supervised adaptation."""

    steps: Positive = Field(120, description="optimiser steps")
    batch: Positive = Field(16, description="images a process holds at a time")
    learning_rate: float = Field(2e-3, gt=0, description="at the height of the schedule")


class SupervisedCompute(ComputeSettings):
    """Precision and memory; a denoising step keeps little, so that nothing is recomputed."""

    checkpointing: bool = Field(False, description="recompute activations in the backward pass instead of keeping them")


class SupervisedMethod(MethodSettings):
    """A LoRA adapter trained with the denoising loss on the dataset's training images."""

    rule: ClassVar = "train_adapter"

    kind: Literal["supervised"] = Field(description="a LoRA adapter trained on the real training images")
    prompts: Prompts = Field(description="plain: the label prompt; enriched: a description of the label")
    lora: LoraSettings = Field(LoraSettings(), description="shape of the adapter")
    training: SupervisedLoop = Field(SupervisedLoop(), description="the training loop")
    compute: SupervisedCompute = Field(SupervisedCompute(), description="precision and memory")
    prompt_dropout: float = Field(0.1, ge=0, lt=1, description="share of empty prompts, for classifier-free guidance")
    min_snr_gamma: float | None = Field(None, gt=0, description="caps the weight of nearly clean images; null: no cap")

    def train(self, job: "MethodJob", files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """See `MethodSettings.train`."""
        from craft.core.images import read_images
        from craft.knowledge.schema import Knowledge
        from craft.models.foundation import Foundation
        from craft.training.supervised import RealImages, train_supervised

        foundation = Foundation.load(job.foundation, device=device)
        images = RealImages.load(files.latents, read_images(files.images, "train"))
        knowledge = Knowledge.load(files.knowledge)
        return Trained(foundation, train_supervised(foundation, self, images, knowledge, job.seed_name, checkpoints))


METHOD = SupervisedMethod
