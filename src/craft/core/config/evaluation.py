"""Settings of what is measured: generated images, scores, downstream classifiers."""

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
    epochs: Positive = 15
    batch: Positive = 32
    learning_rate: float = Field(2e-3, gt=0)
    train_images_per_label: Positive | None = Field(None, description="limit of real training images")
