"""Settings of the methods: the foundation as it is, supervised adapters, reward finetuning; and of sampling."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from craft.core.config.base import Name, Positive, Strict


class Lora(Strict):
    rank: Positive = 8
    alpha: Positive = 8
    target_modules: list[str] = Field(["to_q", "to_k", "to_v", "to_out.0"])


class Training(Strict):
    """The loop that every finetuning method shares."""

    steps: Positive = 200
    batch: Positive = 32
    learning_rate: float = Field(1e-3, gt=0)
    warmup_steps: int = Field(10, ge=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    checkpoint_every: Positive = 50


class Foundation(Strict):
    """The foundation as it is, prompted with the plain label prompt."""

    kind: Literal["foundation"]
    prompts: Literal["plain", "enriched"] = "plain"


class Supervised(Strict):
    """A LoRA adapter trained with the denoising loss on the dataset's training images."""

    kind: Literal["supervised"]
    prompts: Literal["plain", "enriched"]
    lora: Lora = Lora()
    training: Training = Training()
    prompt_dropout: float = Field(0.1, ge=0, lt=1, description="share of empty prompts, for classifier-free guidance")


class Objective(Strict):
    """The CRAFT loss: saturating reward, anchor to the starting adapter, denoising on real images."""

    weights: dict[Literal["alignment", "specificity", "checklist", "plausibility"], float] = Field(
        {"alignment": 1.0, "specificity": 1.0, "checklist": 1.0, "plausibility": 1.0}
    )
    beta: float = Field(1.0, ge=0, description="weight of the anchor to the supervised adapter")
    gamma: float = Field(0.5, ge=0, description="weight of the denoising loss on real images")
    saturation_quantile: float = Field(0.5, ge=0, le=1, description="quantile of real rewards at which it saturates")
    augment: bool = True


class Backprop(Strict):
    """Which sampling steps carry the reward's gradient (`craft.training.backprop`)."""

    mode: Literal["last", "random", "refl", "drtune", "full"] = "last"
    steps: Positive = Field(1, description="K of the modes `last` and `drtune`")
    lv: Positive = Field(1, description="results a sample; above 1, the last step is repeated from fresh noise")

    @model_validator(mode="after")
    def only_one_last_step_can_be_repeated(self):
        if self.lv > 1 and (self.mode, self.steps) != ("last", 1):
            raise ValueError(f"lv is {self.lv}, but only `mode: last, steps: 1` can repeat its last step; set `lv: 1`")
        return self


class Guard(Strict):
    """When reward finetuning stops: the monitor falls by `tolerance` below its best `patience` checks in a row."""

    every: Positive = 10
    images: Positive = 32
    patience: Positive = 2
    tolerance: float = Field(0.01, ge=0)


class Reward(Strict):
    """CRAFT: reward finetuning of the adapter of another method."""

    kind: Literal["reward"]
    start: Name
    prompts: Literal["plain", "enriched"] = "enriched"
    backprop: Backprop = Backprop()
    objective: Objective = Objective()
    guard: Guard = Guard()
    training: Training = Training(steps=40, batch=16, learning_rate=3e-4)


Method = Annotated[Foundation | Supervised | Reward, Field(discriminator="kind")]


class Sampling(Strict):
    """How images are sampled, in training and in generation alike."""

    scheduler: Literal["ddim", "dpmsolver++", "euler"] = "ddim"
    steps: Positive = 12
    guidance_scale: float = Field(3.0, ge=1)
