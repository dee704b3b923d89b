"""Settings that trainings share, and those of the jobs that train models, adapt them and sample from them."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from craft.core.registry import Chosen
from craft.core.settings import JobSettings, Positive, Role, Strict
from craft.models.settings import (
    ClassifierTraining,
    EncoderTraining,
    EvaluatorRef,
    EvaluatorTraining,
    FoundationTraining,
    ModelRef,
)
from craft.training.methods import METHODS

Prompts = Literal["plain", "enriched", "learned"]
# the evaluator family whose text tower becomes the text encoder of a foundation that is trained from scratch
TEXT_FAMILY = "clip_resnet"
# share of the sampling steps, the last ones, at which `refl` and `drtune` may end the sampling
LATE = 0.25


class LoraSettings(Strict):
    """A low-rank adapter (Hu et al. 2022) of the UNet's attention, and of more where asked."""

    rank: Positive = Field(8, description="rank of the update of every adapted weight")
    alpha: Positive = Field(8, description="the update is scaled by alpha / rank, a factor that saved weights hold")
    target_modules: list[str] = Field(
        ["to_q", "to_k", "to_v", "to_out.0"], min_length=1, description="names of the adapted layers of the UNet"
    )
    convolutions: bool = Field(False, description="adapt the convolutions of the UNet's residual blocks too")
    text_encoder: bool = Field(False, description="adapt the text encoder's attention too")


class LoopSettings(Strict):
    """The loop that every model and method shares."""

    steps: Positive = Field(200, description="optimiser steps")
    batch: Positive = Field(
        32, description="images a process holds at a time; a step takes processes * accumulation * batch"
    )
    accumulation: Positive = Field(1, description="batches whose gradients are added up before a step")
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw", description="muon learns faster where convolutions are trained from scratch"
    )
    learning_rate: float = Field(1e-3, gt=0, description="at the height of the schedule")
    warmup_steps: int = Field(
        10, ge=0, description="steps over which the learning rate rises; then it falls by a cosine"
    )
    max_gradient_norm: float = Field(1.0, gt=0, description="longer gradients are shortened to this length")
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of the average of the weights that is kept; 0 keeps the last"
    )
    max_skipped: Positive = Field(5, description="steps with a NaN or infinite term, one after another, that end it")
    checkpoint_every: Positive = Field(50, description="steps between two checkpoints")

    @classmethod
    def from_scratch(cls, steps: int, batch: int, learning_rate: float, **others: Any) -> Self:
        """The loop of a model that is trained from scratch: a twentieth of the steps warms up."""
        return cls(steps=steps, batch=batch, learning_rate=learning_rate, warmup_steps=steps // 20, **others)

    @property
    def images(self) -> int:
        """Images that a process takes in a step."""
        return self.batch * self.accumulation


class ComputeSettings(Strict):
    """What the gradient's way through the models may cost. None of it changes what is computed, but for rounding."""

    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 autocast where a GPU has it")
    checkpointing: bool = Field(True, description="recompute activations in the backward pass instead of keeping them")
    compile: str | None = Field(None, description="a torch.compile backend for the UNet, for example inductor")


class SamplingSettings(Strict):
    """How images are sampled, in training and in generation alike."""

    scheduler: Literal["ddim", "dpmsolver++", "euler"] = Field("ddim", description="the solver")
    steps: Positive = Field(12, description="sampling steps")
    guidance_scale: float = Field(3.0, ge=1, description="strength of classifier-free guidance; 1 is none")

    @property
    def passes(self) -> int:
        """UNet evaluations of a step of one image."""
        return 2 if self.guidance_scale > 1 else 1

    @property
    def evaluations(self) -> int:
        """UNet evaluations of one image."""
        return self.steps * self.passes


class BackpropSettings(Strict):
    """On which way the reward's gradient reaches the adapter (`craft.training.backprop`, `craft.training.direct`)."""

    mode: Literal["last", "random", "refl", "drtune", "full", "direct"] = Field(
        "refl", description="what a gain costs under each of them: benchmarks/reward_per_compute.py"
    )
    steps: Positive = Field(1, description="K of the modes `last` and `drtune`")
    lv: Positive = Field(1, description="results per sample; above 1, the last step is repeated from fresh noise")
    levels: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0.05, 0.7],
        min_length=2,
        max_length=2,
        description="`direct`: lowest and highest level that a finished sample is noised to, shares of the schedule",
    )
    span: float = Field(
        0.15,
        ge=0.01,
        le=1,
        description="`direct`: share of the schedule that the model takes it back; the known noise does the rest",
    )
    uses: Positive = Field(4, description="`direct`: steps that a sample serves, each time with fresh noise")
    guidance_scale: float = Field(
        1.0, ge=1, description="`direct`: of the prediction with gradient; 1 is none and costs half"
    )
    rollout: SamplingSettings | None = Field(
        None, description="`direct`: how samples are made, as the key `sampling` says it; null is as in generation"
    )

    @model_validator(mode="after")
    def what_only_direct_reads_is_left_alone_elsewhere(self) -> Self:
        if self.mode == "direct":
            return self
        for name in ("levels", "span", "uses", "guidance_scale", "rollout"):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"only `mode: direct` reads `{name}`, and the mode is {self.mode}; leave `{name}` out")
        return self

    @model_validator(mode="after")
    def the_way_of_direct_fits_the_schedule(self) -> Self:
        low, high = self.levels
        if high - low < 0.01:
            raise ValueError(f"the levels {self.levels} do not rise; write for example `levels: [0.05, 0.7]`")
        if self.span > high:
            raise ValueError(
                f"span is {self.span}, more than the whole way from the highest level; write at most `span: {high}`"
            )
        return self

    @model_validator(mode="after")
    def only_one_last_step_can_be_repeated(self) -> Self:
        if self.lv > 1 and (self.mode, self.steps) != ("last", 1):
            raise ValueError(
                f"lv is {self.lv}, but only `{{mode: last, steps: 1}}` can repeat its last step; set `lv: 1`"
            )
        return self


class GuardSettings(Strict):
    """Which state of reward finetuning is kept, and when it stops (`craft.training.guard`)."""

    acts: bool = Field(
        True, description="false: it only watches, so that nothing stops the training; the last state is kept"
    )
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

    def evaluations(self, steps: int, sampling: SamplingSettings) -> int:
        """UNet evaluations of all checks of a training of so many steps."""
        checks = 1 + steps // self.every + (steps % self.every > 0)
        return checks * self.images * sampling.evaluations


class GenerationSettings(Strict):
    """How many images every method and seed gives."""

    images_per_dataset: Positive = Field(256, description="at least this many per method and seed, labels balanced")
    batch: Positive = Field(64, description="images sampled at a time")


class FoundationJob(JobSettings):
    """What `train_foundation` needs to know."""

    resolution: int = Field(description="side of the images in pixels")
    datasets: list[str] = Field(description="datasets whose training images it sees")
    training: FoundationTraining = Field(description="the configuration's section `foundation.train`")
    start: ModelRef | None = Field(None, description="the foundation whose UNet trains on; null from scratch")


class EvaluatorJob(JobSettings):
    """What `train_evaluator` needs to know."""

    evaluator: str = Field(description="name of the evaluator")
    role: Role = Field(description="its role in the run; a held-out one reads descriptions of its own")
    resolution: int = Field(description="side of the images in pixels")
    datasets: list[str] = Field(description="datasets whose training images it sees")
    training: EvaluatorTraining = Field(description="the evaluator's section `train`")


class EncoderJob(JobSettings):
    """What `train_encoder` needs to know."""

    encoder: str = Field(description="name of the encoder")
    resolution: int = Field(description="side of the images in pixels")
    datasets: list[str] = Field(description="datasets whose training images it sees")
    training: EncoderTraining = Field(description="the encoder's section `train`")


class ClassifierJob(JobSettings):
    """What `train_phantom_classifier` needs to know."""

    resolution: int = Field(description="side of the phantoms in pixels")
    labels: dict[str, list[str]] = Field(description="labels by modality")
    training: ClassifierTraining = Field(description="the configuration's section `phantom_classifier.train`")


class MethodJob(JobSettings):
    """What trains the adapter of one method."""

    dataset: str = Field(description="name of the dataset")
    method: str = Field(description="name of the method")
    seed: int = Field(description="of the adapter's first weights and of every batch")
    training: Annotated[Any, Chosen(METHODS, "kind")] = Field(description="the method's section of the configuration")
    resolution: int = Field(description="side of the images in pixels")
    foundation: ModelRef = Field(description="the foundation")
    evaluators: list[EvaluatorRef] = Field(description="evaluators that the method may see")
    sampling: SamplingSettings = Field(description="how images are sampled")
    neighbours: Positive = Field(description="k of the plausibility dimension")

    @property
    def seed_name(self) -> str:
        """Names the random draws of this training."""
        return f"{self.dataset}/{self.method}/{self.seed}"


class GenerationJob(JobSettings):
    """What `generate_images` needs to know."""

    dataset: str = Field(description="name of the dataset")
    method: str = Field(description="name of the method")
    seed: int = Field(description="of the noise and the prompts")
    prompts: Prompts = Field(description="which prompts the images get")
    resolution: int = Field(description="side of the images in pixels")
    foundation: ModelRef = Field(description="the foundation")
    adapter: Path | None = Field(None, description="folder of the adapter; null samples the foundation as it is")
    sampling: SamplingSettings = Field(description="how images are sampled")
    generation: GenerationSettings = Field(description="how many images")
    selection: Annotated[Any, Chosen(METHODS, "kind")] | None = Field(
        None, description="the method's section, where it chooses its images among several"
    )
    evaluators: list[EvaluatorRef] = Field([], description="evaluators that choose among images")
    neighbours: Positive = Field(5, description="k of the plausibility dimension")
