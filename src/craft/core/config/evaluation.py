"""Settings of what is measured: generated images, scores, downstream classifiers."""

from typing import Annotated

from pydantic import Field

from craft.core.config.base import Name, Positive, Share, Strict


class Generation(Strict):
    images_per_dataset: Positive = Field(256, description="at least this many a method and seed, labels balanced")
    batch: Positive = 64


class Scoring(Strict):
    neighbours: Positive = Field(5, description="k of the plausibility dimension")
    tail_quantile: Share = 0.10
    bootstrap: Positive = 1000
    confidence: Share = 0.95


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
