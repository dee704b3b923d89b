"""What the supervised kinds share: the denoising loss on real training images. They differ by what is trained."""

from bisect import bisect_right
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from craft.core.settings import Name, Positive, Role
from craft.reward.dimensions import DIMENSIONS
from craft.training.methods.base import PROMPTS, MethodFiles, MethodSettings, Trained, budget, line_of
from craft.training.settings import ComputeSettings, GuardSettings, LoopSettings, Prompts, SamplingSettings

if TYPE_CHECKING:
    from torch import nn

    from craft.knowledge.schema import Knowledge
    from craft.models.foundation import Foundation
    from craft.training.settings import MethodJob
    from craft.training.supervised import Further

# found by name, so that only a training with a guard depends on it
WATCH = "craft.training.watch"


class SupervisedLoop(LoopSettings):
    """The training loop, with the defaults of supervised adaptation."""

    steps: Positive = Field(120, description="optimiser steps")
    batch: Positive = Field(16, description="images a process holds at a time")
    learning_rate: float = Field(2e-3, gt=0, description="at the height of the schedule")


class SupervisedCompute(ComputeSettings):
    """Precision and memory; a denoising step keeps little, so that nothing is recomputed."""

    checkpointing: bool = Field(False, description="recompute activations in the backward pass instead of keeping them")


class DenoisingMethod(MethodSettings):
    """Trained with the denoising loss on the dataset's training images."""

    # UNet evaluations of a step for each image of its batch: a forward and a backward pass
    per_image: ClassVar[int] = 3

    prompts: Prompts = Field(description=PROMPTS)
    training: SupervisedLoop = Field(SupervisedLoop(), description="the training loop")
    match: Name | None = Field(
        None,
        description="a method whose whole budget of UNet evaluations, that of what it starts from included, is spent"
        " here too; it decides `training.steps`",
    )
    images_per_label: Positive | None = Field(
        None, description="real training images of every label that it is shown, drawn by the seed; null: all"
    )
    compute: SupervisedCompute = Field(SupervisedCompute(), description="precision and memory")
    prompt_dropout: float = Field(0.1, ge=0, lt=1, description="share of empty prompts, for classifier-free guidance")
    min_snr_gamma: float | None = Field(None, gt=0, description="caps the weight of nearly clean images; null: no cap")
    guard: GuardSettings | None = Field(
        None, description="chooses the state that is kept by the monitor, and ends the training; null: the last state"
    )

    @property
    def rule(self) -> str:
        """See `MethodSettings.rule`: a guard needs the files and evaluators that reward finetuning is given."""
        return "finetune_reward" if self.guard else "train_adapter"

    @property
    def roles(self) -> tuple[Role, ...]:
        """See `MethodSettings.roles`."""
        return ("monitor",) if self.guard else ()

    def modules(self) -> list[str]:
        """See `MethodSettings.modules`; without a guard nothing of the reward belongs to the training's identity."""
        return [WATCH, *DIMENSIONS.modules()] if self.guard else []

    def parameters(self, foundation: "Foundation", knowledge: "Knowledge") -> list["nn.Parameter"]:
        """Make what is trained of a foundation trainable, and return it."""
        raise NotImplementedError

    def needs(self) -> dict[str, str]:
        """See `MethodSettings.needs`."""
        return super().needs() | ({"match": self.match} if self.match else {})

    def resolved(
        self, name: str, methods: Mapping[str, MethodSettings], sampling: SamplingSettings, processes: int
    ) -> Self:
        """The settings with as many steps as the budget of `match` pays for, beyond what this method starts from."""
        if not self.match:
            return self
        whole = budget(self.match, methods, sampling, processes)
        before = budget(self.start, methods, sampling, processes) if self.start else 0.0
        own, most = self.sampling or sampling, int(whole / (processes * self.training.images * self.per_image))
        steps = bisect_right(
            range(1, most + 1), whole - before, key=lambda steps: self.of_steps(steps).evaluations(own, processes)
        )
        if steps < 1:
            raise ValueError(
                f"methods.{name}.match is {self.match!r}, whose {whole:.0f} UNet evaluations pay for no step here after"
                f" {before:.0f} of what it starts from; leave `match` or `start` out"
            )
        return self.of_steps(steps)

    def of_steps(self, steps: int) -> Self:
        """The same settings with another number of steps."""
        return self.model_copy(update={"training": self.training.model_copy(update={"steps": steps})})

    def check(self, name: str, methods: Mapping[str, MethodSettings], sampling: SamplingSettings) -> None:
        """See `MethodSettings.check`."""
        super().check(name, methods, sampling)
        if self.match in line_of(name, methods)[1:]:
            raise ValueError(
                f"methods.{name}.match is {self.match!r}, from which it starts, so that nothing is left to spend;"
                " leave `match` or `start` out"
            )

    def evaluations(self, sampling: SamplingSettings, processes: int = 1) -> float:
        """See `MethodSettings.evaluations`."""
        checks = self.guard.evaluations(self.training.steps, sampling) if self.guard else 0
        return processes * self.training.images * self.training.steps * self.per_image + checks

    def train(self, job: "MethodJob", files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """See `MethodSettings.train`."""
        from craft.core.images import read_texts
        from craft.knowledge.schema import Knowledge
        from craft.models.foundation import Foundation
        from craft.training.supervised import RealImages, choose_images, train_supervised

        foundation = Foundation.load(job.foundation.path, files.start, device, job.resolution, **job.foundation.hub)
        shown = choose_images(read_texts(files.images, "train"), self.images_per_label, job.dataset, job.seed)
        images = RealImages.load(files.latents, shown)
        knowledge = Knowledge.load(files.knowledge)
        further = self.further(foundation, job, knowledge)
        if not self.guard:
            shared = (images, knowledge, job.seed_name, checkpoints, further)
            return Trained(foundation, train_supervised(foundation, self, *shared))
        watching, guards = import_module(WATCH), []
        watch = watching.Watch.load(self, job, files, checkpoints, device)

        def observe(parameters: list["nn.Parameter"]) -> Any:
            sample = watching.draw_fixed_sample(foundation, self, knowledge, job.seed_name)
            guards.append(watch.guard(foundation, parameters, sample))
            return guards[0]

        history = train_supervised(
            foundation, self, images, knowledge, job.seed_name, checkpoints, further, observe=observe
        )
        return watch.finish(foundation, history, guards[0])

    def further(self, foundation: "Foundation", job: "MethodJob", knowledge: "Knowledge") -> "Further | None":
        """A term of the loss beside that on real images, or None; made before anything is trained."""
        return None
