"""Settings of what is measured: generated images, scores, fidelity, downstream classifiers."""

from pydantic import Field

from craft.core.config.base import Name, Positive, Share, Strict


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


class Downstream(Strict):
    """The downstream label classifier, trained on real, synthetic and mixed images, tested on real test images."""

    methods: list[Name] = Field([], description="whose images are tried as training data; empty means all methods")
    seeds: list[int] = Field([0, 1, 2])
    epochs: Positive = 15
    batch: Positive = 32
    learning_rate: float = Field(2e-3, gt=0)
    train_images_per_label: Positive | None = Field(None, description="limit of real training images")
