"""Reward finetuning through the sampler: CRAFT, and what others do, as settings of it.

ReFL (Xu et al. 2023) is `{backprop: {mode: refl}}` with `match: maximise`; AlignProp (Prabhudesai et al. 2023) and
DRaFT-K (Clark et al. 2024) are `{mode: random}` and `{mode: last}`, with the reward `prompt_similarity`, no anchor, no
denoising term, and a guard that only watches (docs/engine.md).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from craft.core.settings import PathText
from craft.reward.settings import ObjectiveSettings, RatingSettings
from craft.training.methods.base import MethodFiles, MethodSettings, Trained
from craft.training.methods.guarded import GuardedMethod
from craft.training.settings import LATE, BackpropSettings, SamplingSettings

if TYPE_CHECKING:
    from craft.training.settings import MethodJob


class RewardMethod(GuardedMethod):
    """CRAFT: reward finetuning of the adapter of another method, or of a fresh one."""

    kind: Literal["reward"] = Field(description="an adapter that is finetuned through the sampler on the reward")
    baseline: bool = Field(
        False,
        description="true: the tables count it among the baselines that all other reward methods are held against",
    )
    backprop: BackpropSettings = Field(BackpropSettings(), description="the gradient's way through the sampling")
    objective: ObjectiveSettings = Field(ObjectiveSettings(), description="the loss")
    tiny_decoder: PathText | None = Field(None, description="AutoencoderTiny (folder or hub id) for the gradient path")

    @property
    def rewarded(self) -> bool:
        """See `MethodSettings.rewarded`."""
        return not self.baseline

    @property
    def rating(self) -> RatingSettings:
        """See `GuardedMethod.rating`."""
        return self.objective

    def check(self, name: str, methods: Mapping[str, MethodSettings], sampling: SamplingSettings) -> None:
        """See `MethodSettings.check`."""
        super().check(name, methods, sampling)
        if self.backprop.steps > sampling.steps:
            raise ValueError(
                f"methods.{name}.backprop.steps is {self.backprop.steps}, more than the"
                f" {sampling.steps} sampling steps; write for example `backprop: {{steps: 1}}`"
            )

    def step_evaluations(self, sampling: SamplingSettings) -> float:
        """See `GuardedMethod.step_evaluations`."""
        backprop, objective = self.backprop, self.objective
        anchored, denoised = bool(objective.beta), 3 * bool(objective.gamma)
        if backprop.mode == "direct":
            # the first step makes all samples, every other one its share of them
            share = (1 + (self.training.steps - 1) / backprop.uses) / self.training.steps
            predicted = 3 * (2 if backprop.guidance_scale > 1 else 1)
            return share * (backprop.rollout or sampling).evaluations + predicted + anchored + denoised
        taken, trained = self.expected_steps(sampling.steps)
        repeated = 3 * (backprop.lv - 1)
        return (taken + 2 * trained + repeated) * sampling.passes + 4 * anchored + denoised

    def expected_steps(self, steps: int) -> tuple[float, float]:
        """How many of the sampling steps are taken, and how many of these carry a gradient (`GradientPlan.draw`)."""
        backprop, late = self.backprop, math.ceil(LATE * steps)
        stopped = steps - (late - 1) / 2
        if backprop.mode in ("refl", "drtune"):
            return stopped, min(backprop.steps, stopped) if backprop.mode == "drtune" else 1
        if backprop.mode == "random":
            # all images of a batch carry one from the first beginning on
            first = sum(((steps - step) / steps) ** self.training.batch for step in range(1, steps))
            return steps, steps - first
        return steps, steps if backprop.mode == "full" else backprop.steps

    def train(self, job: "MethodJob", files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """See `MethodSettings.train`."""
        from craft.training.craft import finetune

        return finetune(self, job, files, checkpoints, device)


METHOD = RewardMethod
