"""Settings of what is measured: generated images, scores, fidelity, classifiers, audits, memorization."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from craft.core.config.base import Name, Positive, Share, Strict
from craft.core.config.knowledge import LanguageModelSource


class Generation(Strict):
    images_per_dataset: Positive = Field(256, description="at least this many a method and seed, labels balanced")
    batch: Positive = 64


class Scoring(Strict):
    neighbours: Positive = Field(5, description="k of the plausibility dimension")
    tail_quantile: Share = 0.10
    further_tail_quantiles: list[Share] = Field([0.05, 0.01], description="thresholds beside the main one")
    bootstrap: Positive = 1000
    comparison_draws: Positive = Field(10_000, description="bootstrap draws of paired comparisons and their p-values")
    confidence: Share = 0.95


class Fidelity(Strict):
    """How like real images the generated ones are, measured on image features."""

    evaluators: list[Name] = Field([], description="whose features are used; empty means all held-out evaluators")
    inception: str | None = Field(
        None, description="weights (safetensors) of torchvision's Inception-v3, whose features are used as well"
    )
    neighbours: Positive = Field(5, description="k of precision, recall, density and coverage")
    bootstrap: Positive = Field(200, description="draws; the time of a draw grows with the cube of the features' width")


class Validity(Strict):
    """How many real test images the study of CAS as a proxy looks at, labels balanced."""

    test_images: Positive = Field(1000, description="at most this many with their own and with other labels")
    damaged_images: Positive = Field(96, description="at most this many, each under 5 kinds of damage in 5 grades")


class Downstream(Strict):
    """The downstream label classifier, trained on real, synthetic and mixed images, tested on real test images."""

    methods: list[Name] = Field([], description="whose images are tried as training data; empty means all methods")
    seeds: list[int] = Field([0, 1, 2])
    ratios: list[Annotated[float, Field(gt=0)]] = Field([1.0], description="synthetic images for every real one")
    real_shares: list[Share] = Field([0.1], description="low-data arms: shares of the real training images")
    low_data_methods: list[Name] = Field([], description="methods of the low-data arms; empty means those above")
    backbone: str | None = Field(None, description="hub id or folder of an image model; null for a small ResNet")
    image_size: Positive = 64
    epochs: Positive = Field(15, description="at most so many times the number of real training images")
    looks: Positive = Field(4, description="at real validation images, in the second half of a training")
    patience: Positive = Field(2, description="looks without improvement that end a training")
    batch: Annotated[int, Field(ge=2)] = 32
    learning_rate: float = Field(2e-3, gt=0)
    train_images_per_label: Positive | None = Field(None, description="limit of real training images")


class Audit(Strict):
    """Who answers the checklist items of every image, and which of their answers count."""

    auditors: list[Literal["biomarkers", "mllm"]] = Field(["biomarkers"], min_length=1)
    floor: float = Field(
        0.6, ge=0.5, lt=1, description="balanced accuracy on calibration images below which a biomarker tells nothing"
    )
    folds: int = Field(5, ge=2, description="of the cross-validation that this accuracy comes from")
    measured_per_method: Positive | None = Field(
        None, description="at most this many images a method and seed are measured, labels balanced; null: all"
    )
    images_per_method: Positive = Field(24, description="how many images a method and seed the language model is shown")
    model: LanguageModelSource | None = Field(None, description="the multimodal language model of the auditor mllm")

    @model_validator(mode="after")
    def model_fits_the_auditors(self) -> Self:
        if "mllm" not in self.auditors:
            return self
        if self.model is None:
            raise ValueError(
                "the auditor 'mllm' needs a model that sees images; write for example"
                " `model: {provider: transformers, model: path/of/the/model}` or remove it from `auditors`"
            )
        if self.model.provider == "openai" and not self.model.images_may_leave:
            raise ValueError(
                "the auditor 'mllm' would send images to the endpoint; write `images_may_leave: true` into its model"
                " where the data's terms allow it, or use the provider transformers"
            )
        return self

    @property
    def asks_local_model(self) -> bool:
        """Whether a language model runs in the job itself."""
        return "mllm" in self.auditors and self.model is not None and self.model.provider == "transformers"


class Memorization(Strict):
    """The search for copies of training images among generated ones."""

    resolution: int = Field(64, ge=32, description="side of the grey pictures that are compared, pixels")
    reach: int = Field(
        3, ge=1, le=8, description="largest shift under which pictures are compared, pixels of `resolution`"
    )
    candidates: Positive = Field(3, description="nearest training images in features that are compared as pictures")
    flagged: Share = Field(0.01, description="share of real test images that lie below the threshold of a copy")
