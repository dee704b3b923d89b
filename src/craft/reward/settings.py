"""Settings of the reward: the CRAFT objective, and the jobs that encode images and calibrate CAS."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from craft.core.registry import named
from craft.core.settings import JobSettings, Name, Positive, Strict
from craft.models.settings import EvaluatorRef, ModelRef
from craft.reward.dimensions import DIMENSIONS
from craft.reward.rewards import REWARDS

Weight = Annotated[float, Field(gt=0)]


class RatingSettings(Strict):
    """What one number is made of what the reward evaluator sees in an image."""

    reward: named(REWARDS) = Field("weighted_mean", description="what one number is made of an image's dimensions")
    weights: dict[named(DIMENSIONS), Weight] = Field(
        default_factory=lambda: dict.fromkeys(DIMENSIONS, 1.0),
        min_length=1,
        description="weights of the calibrated dimensions in the reward; a dimension that is left out has none",
    )
    calibrated: bool = Field(
        True,
        description="false: the dimensions' raw scores through one logistic function, not through the maps that were"
        " fitted for every dimension and label; to compare with",
    )
    evaluators: list[Name] | None = Field(
        None, min_length=1, description="evaluators of the role `reward` whose mean it is; null: all of them"
    )


class ObjectiveSettings(RatingSettings):
    """The CRAFT loss: a reward that ends where real images stand, anchor to the starting adapter, denoising."""

    beta: float = Field(1.0, ge=0, description="weight of the anchor to the supervised adapter")
    gamma: float = Field(
        0.1, ge=0, description="weight of the denoising loss on real images; at 0.5 its gradient drowns the reward's"
    )
    match: Literal["saturate", "ranks", "ranks_two_sided", "maximise"] = Field(
        "saturate",
        description="saturate: up to quantiles of real images' rewards; ranks: up to the real reward of an image's own"
        " rank; ranks_two_sided: the same, and down to it; maximise: without a limit, to compare with",
    )
    saturation: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        [0.1, 0.3, 0.5, 0.7, 0.9],
        min_length=1,
        description="quantiles of real images' rewards up to which `saturate` pulls; [0.5] ends at their median",
    )
    diversity: float = Field(
        0.0, ge=0, description="weight of the pull on diversity within labels, up to that of real images"
    )
    window: Positive = Field(
        4, description="earlier batches that an image is ranked among and that its diversity is measured against"
    )
    augment: bool = Field(True, description="shift, zoom and recolour images slightly before the evaluator sees them")

    @field_validator("saturation")
    @classmethod
    def quantiles_rise(cls, quantiles: list[float]) -> list[float]:
        if sorted(set(quantiles)) != quantiles:
            raise ValueError(
                f"the quantiles {quantiles} do not rise; write for example `saturation: [0.1, 0.3, 0.5, 0.7, 0.9]`"
            )
        return quantiles


class EncodeJob(JobSettings):
    """What `encode_images` needs to know."""

    dataset: str = Field(description="name of the dataset")
    foundation: ModelRef | None = Field(description="whose autoencoder encodes; null without one")
    evaluators: list[EvaluatorRef] = Field(description="all evaluators of the run")
    batch: Positive = Field(64, description="images that are encoded at a time")


class CalibrationJob(JobSettings):
    """What `calibrate_cas` needs to know."""

    dataset: str = Field(description="name of the dataset")
    evaluators: list[EvaluatorRef] = Field(description="all evaluators of the run")
    neighbours: Positive = Field(description="k of the plausibility dimension")
