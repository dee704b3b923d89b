"""Settings of the methods: the foundation as it is, supervised adapters, reward finetuning; and of sampling."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from craft.core.config.base import Name, Positive, Strict


class Lora(Strict):
    """A low-rank adapter (Hu et al. 2022) of the UNet's attention, and of more where asked."""

    rank: Positive = 8
    alpha: Positive = 8
    target_modules: list[str] = Field(["to_q", "to_k", "to_v", "to_out.0"])
    convolutions: bool = Field(False, description="adapt the convolutions of the UNet's residual blocks too")
    text_encoder: bool = Field(False, description="adapt the text encoder's attention too")


class Training(Strict):
    """The loop that every model and method shares."""

    steps: Positive = 200
    batch: Positive = Field(
        32, description="images a process holds at a time; a step takes processes * accumulation * batch"
    )
    accumulation: Positive = Field(1, description="batches whose gradients are added up before a step")
    learning_rate: float = Field(1e-3, gt=0)
    warmup_steps: int = Field(10, ge=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of the average of the weights that is kept; 0 keeps the last"
    )
    max_skipped: Positive = Field(5, description="steps with a NaN or infinite term, one after another, that end a run")
    checkpoint_every: Positive = 50


class Compute(Strict):
    """What the gradient's way through the models may cost. None of it changes what is computed, but for rounding."""

    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 autocast where a GPU has it")
    checkpointing: bool = Field(True, description="recompute activations in the backward pass instead of keeping them")
    compile: str | None = Field(None, description="a torch.compile backend for the UNet, for example inductor")


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
    compute: Compute = Compute(checkpointing=False)
    prompt_dropout: float = Field(0.1, ge=0, lt=1, description="share of empty prompts, for classifier-free guidance")
    min_snr_gamma: float | None = Field(None, gt=0, description="caps the weight of nearly clean images; null: no cap")


class Objective(Strict):
    """The CRAFT loss: saturating reward, anchor to the starting adapter, denoising on real images."""

    weights: dict[Literal["alignment", "specificity", "checklist", "plausibility"], float] = Field(
        {"alignment": 1.0, "specificity": 1.0, "checklist": 1.0, "plausibility": 1.0}
    )
    beta: float = Field(1.0, ge=0, description="weight of the anchor to the supervised adapter")
    gamma: float = Field(0.5, ge=0, description="weight of the denoising loss on real images")
    saturation: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        [0.1, 0.3, 0.5, 0.7, 0.9], min_length=1, description="quantiles of real images' rewards up to which it pulls"
    )
    augment: bool = True


class Backprop(Strict):
    """Which sampling steps carry the reward's gradient (`craft.training.backprop`)."""

    mode: Literal["last", "random", "refl", "drtune", "full"] = Field(
        "refl", description="refl gained most for its UNet evaluations (benchmarks/reward_per_compute.py)"
    )
    steps: Positive = Field(1, description="K of the modes `last` and `drtune`")
    lv: Positive = Field(1, description="results a sample; above 1, the last step is repeated from fresh noise")

    @model_validator(mode="after")
    def only_one_last_step_can_be_repeated(self):
        if self.lv > 1 and (self.mode, self.steps) != ("last", 1):
            raise ValueError(
                f"lv is {self.lv}, but only `{{mode: last, steps: 1}}` can repeat its last step; set `lv: 1`"
            )
        return self


class Guard(Strict):
    """Which state of reward finetuning is kept, and when it stops (`craft.training.guard`)."""

    every: Positive = 10
    images: Positive = Field(32, description="images of fixed noise at every check, labels in turn")
    patience: Positive = Field(2, description="faulty checks in a row that end the run")
    tolerance: float = Field(0.01, ge=0, description="how far the monitor's CAS may fall below its best")
    min_diversity: float = Field(
        0.9, ge=0, le=1, description="least diversity within labels, as a share of the start's"
    )
    max_shift: float = Field(
        0.5, ge=0, description="most distance of colour and contrast from real images', in their sd"
    )


class Reward(Strict):
    """CRAFT: reward finetuning of the adapter of another method."""

    kind: Literal["reward"]
    start: Name
    prompts: Literal["plain", "enriched"] = "enriched"
    backprop: Backprop = Backprop()
    objective: Objective = Objective()
    guard: Guard = Guard()
    training: Training = Training(steps=40, batch=16, learning_rate=3e-4)
    compute: Compute = Compute()
    tiny_decoder: str | None = Field(None, description="AutoencoderTiny (folder or hub id) for the gradient path")


Method = Annotated[Foundation | Supervised | Reward, Field(discriminator="kind")]


class Sampling(Strict):
    """How images are sampled, in training and in generation alike."""

    scheduler: Literal["ddim", "dpmsolver++", "euler"] = "ddim"
    steps: Positive = 12
    guidance_scale: float = Field(3.0, ge=1)
