"""What the kinds share that a guard watches: a LoRA adapter, trained on what the reward evaluator says of images."""

from typing import ClassVar

from pydantic import Field

from craft.core.settings import Name, Positive
from craft.reward.dimensions import DIMENSIONS
from craft.reward.rewards import REWARDS
from craft.reward.settings import RatingSettings
from craft.training.methods.base import PROMPTS, MethodSettings
from craft.training.settings import (
    ComputeSettings,
    GuardSettings,
    LoopSettings,
    LoraSettings,
    Prompts,
    SamplingSettings,
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


class GuardedMethod(MethodSettings):
    """A LoRA adapter that the reward evaluator's word trains, while a guard watches.

    It goes on with the LoRA weights of what it starts from; where there are none, `lora` says how fresh ones look.
    """

    rule: ClassVar = "finetune_reward"
    roles: ClassVar = ("reward", "monitor")

    start: Name | None = Field(description="method from whose result it starts; null: the foundation")
    prompts: Prompts = Field("enriched", description=PROMPTS)
    lora: LoraSettings = Field(
        LoraSettings(), description="shape of the adapter, where what it starts from has no LoRA weights"
    )
    guard: GuardSettings = Field(GuardSettings(), description="which state is kept, and when the training stops")
    training: RewardLoop = Field(RewardLoop(), description="the training loop")
    compute: ComputeSettings = Field(ComputeSettings(), description="precision and memory")

    @property
    def rating(self) -> RatingSettings:
        """What one number is made of an image."""
        raise NotImplementedError

    def rewarders(self) -> list[str] | None:
        """See `MethodSettings.rewarders`."""
        return self.rating.evaluators

    def modules(self) -> list[str]:
        """See `MethodSettings.modules`."""
        return [*DIMENSIONS.modules(), *REWARDS.modules(self.rating.reward)]

    def evaluations(self, sampling: SamplingSettings, processes: int = 1) -> float:
        """See `MethodSettings.evaluations`."""
        prepared = self.prepared_evaluations(sampling)
        steps = self.training.images * self.training.steps * self.step_evaluations(sampling)
        return processes * (prepared + steps) + self.guard.evaluations(self.training.steps, sampling)

    def prepared_evaluations(self, sampling: SamplingSettings) -> float:
        """UNet evaluations of a process before the first step."""
        return 0.0

    def step_evaluations(self, sampling: SamplingSettings) -> float:
        """Expected UNet evaluations of a step for each image of its batch."""
        raise NotImplementedError
