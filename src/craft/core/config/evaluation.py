"""Settings of what is measured: generated images, scores, downstream classifiers, memorization."""

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


class Downstream(Strict):
    """The downstream label classifier, trained on real, synthetic and mixed images, tested on real test images."""

    methods: list[Name] = Field([], description="whose images are tried as training data; empty means all methods")
    seeds: list[int] = Field([0, 1, 2])
    epochs: Positive = 15
    batch: Positive = 32
    learning_rate: float = Field(2e-3, gt=0)
    train_images_per_label: Positive | None = Field(None, description="limit of real training images")


class Memorization(Strict):
    """The search for copies of training images among generated ones."""

    resolution: int = Field(64, ge=32, description="side of the grey pictures that are compared, pixels")
    reach: int = Field(
        3, ge=1, le=8, description="largest shift under which pictures are compared, pixels of `resolution`"
    )
    candidates: Positive = Field(3, description="nearest training images in features that are compared as pictures")
    flagged: Share = Field(0.01, description="share of real test images that lie below the threshold of a copy")
