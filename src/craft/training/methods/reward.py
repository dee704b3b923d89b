"""CRAFT: reward finetuning of the adapter of a supervised method."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from craft.core.settings import Name, Positive, Strict
from craft.reward.dimensions import DIMENSIONS
from craft.reward.rewards import REWARDS
from craft.reward.settings import ObjectiveSettings
from craft.training.methods.base import MethodFiles, MethodSettings, Trained
from craft.training.settings import BackpropSettings, ComputeSettings, LoopSettings, Prompts, SamplingSettings

if TYPE_CHECKING:
    from craft.training.settings import MethodJob


class GuardSettings(Strict):
    """Which state of reward finetuning is kept, and when it stops (`craft.training.guard`)."""

    every: Positive = Field(10, description="steps between two checks")
    images: Positive = Field(32, description="images of fixed noise at every check, labels in turn")
    patience: Positive = Field(2, description="faulty checks in a row that end the training")
    tolerance: float = Field(0.01, ge=0, description="how far the monitor's CAS may fall below its best")
    min_diversity: float = Field(
        0.9,
        ge=0,
        le=1,
        description="least diversity within labels, as a share of real images', or of the start's if less",
    )
    min_plausibility: float = Field(
        0.9, ge=0, le=1, description="least plausibility, as a share of real images', or of the start's if less"
    )
    max_shift: float = Field(
        0.5, ge=0, description="most distance of colour and contrast from real images', in their sd"
    )


class RewardLoop(LoopSettings):
    """The training loop, with the defaults of reward finetuning."""

    steps: Positive = Field(60, description="optimiser steps")
    batch: Positive = Field(
        12, description="images a process holds at a time; a step takes processes * accumulation * batch"
    )
    learning_rate: float = Field(3e-3, gt=0, description="at the height of the schedule")
    warmup_steps: int = Field(
        5, ge=0, description="steps over which the learning rate rises; then it falls by a cosine"
    )


class RewardMethod(MethodSettings):
    """CRAFT: reward finetuning of the adapter of a supervised method."""

    rule: ClassVar = "finetune_reward"
    roles: ClassVar = ("reward", "monitor")
    rewarded: ClassVar = True

    kind: Literal["reward"] = Field(description="a supervised adapter, finetuned through the sampler on the reward")
    start: Name = Field(description="supervised method from whose adapter it starts")
    prompts: Prompts = Field("enriched", description="plain: the label prompt; enriched: a description of the label")
    backprop: BackpropSettings = Field(BackpropSettings(), description="the gradient's way through the sampling")
    objective: ObjectiveSettings = Field(ObjectiveSettings(), description="the loss")
    guard: GuardSettings = Field(GuardSettings(), description="which state is kept, and when the training stops")
    training: RewardLoop = Field(RewardLoop(), description="the training loop")
    compute: ComputeSettings = Field(ComputeSettings(), description="precision and memory")
    tiny_decoder: str | None = Field(None, description="AutoencoderTiny (folder or hub id) for the gradient path")

    @property
    def parent(self) -> str:
        """See `MethodSettings.parent`."""
        return self.start

    def check(self, name: str, methods: Mapping[str, MethodSettings], sampling: SamplingSettings) -> None:
        """See `MethodSettings.check`."""
        starts = [key for key, method in methods.items() if method.rule == "train_adapter"]
        if self.start not in starts:
            raise ValueError(
                f"methods.{name}.start is {self.start!r}, which is not a supervised method;"
                f" write for example `start: {starts[0] if starts else 'lora_enriched'}`"
            )
        if self.backprop.steps > sampling.steps:
            raise ValueError(
                f"methods.{name}.backprop.steps is {self.backprop.steps}, more than the"
                f" {sampling.steps} sampling steps; write for example `backprop: {{steps: 1}}`"
            )

    def modules(self) -> list[str]:
        """See `MethodSettings.modules`."""
        return [*DIMENSIONS.modules(), *REWARDS.modules(self.objective.reward)]

    def train(self, job: "MethodJob", files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """See `MethodSettings.train`."""
        from craft.training.craft import finetune

        return finetune(self, job, files, checkpoints, device)


METHOD = RewardMethod
