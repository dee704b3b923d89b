"""Settings of the downstream label classifiers."""

from typing import Annotated

from pydantic import Field, field_validator

from craft.core.settings import ImageSet, JobSettings, Name, Positive, Strict
from craft.evaluation.settings import FeaturesRef

# backbones that are no image model of their own
ENCODER, SCRATCH = "encoder", "scratch"


class DownstreamSettings(Strict):
    """The downstream label classifiers, trained on real, synthetic and mixed images, tested on real test images."""

    methods: list[Name] = Field([], description="whose images are tried as training data; empty means all methods")
    seeds: list[int] = Field(
        [0, 1, 2],
        min_length=1,
        description="of the classifiers: a network's weights and batches, and which generator seed it is paired with",
    )
    ratios: list[Annotated[float, Field(gt=0)]] = Field([1.0], description="synthetic images for every real one")
    backbones: list[Annotated[str, Field(min_length=1)]] = Field(
        [ENCODER],
        min_length=1,
        description="encoder: logistic regression on the held-out encoder's features; scratch: a small ResNet; or the"
        " hub id or folder of an image model, which is finetuned. Sentences speak of the first",
    )
    strength: float = Field(
        0.01, gt=0, description="C of the logistic regression: the inverse of its penalty; never chosen on test images"
    )
    image_size: Positive = Field(64, description="side in pixels at which a network sees images")
    epochs: Positive = Field(15, description="of a network: at most so many times the number of real training images")
    validations: Positive = Field(4, description="how often the loss on validation images is taken, in the second half")
    patience: Positive = Field(2, description="validations without improvement that end a training")
    batch: Annotated[int, Field(ge=2)] = Field(32, description="images a step")
    learning_rate: float = Field(2e-3, gt=0, description="at the height of the schedule")
    train_images_per_label: Positive | None = Field(None, description="limit of real training images; null: none")

    @field_validator("backbones")
    @classmethod
    def backbones_are_unique(cls, backbones: list[str]) -> list[str]:
        if len(set(backbones)) != len(backbones):
            raise ValueError(f"the backbones {backbones} repeat one; write for example `backbones: [encoder, scratch]`")
        return backbones

    @property
    def trains_networks(self) -> bool:
        """Whether a network is trained, which wants a GPU."""
        return self.backbones != [ENCODER]


class DownstreamJob(JobSettings):
    """What `train_classifier` needs to know."""

    dataset: str = Field(description="name of the dataset")
    labels: list[str] = Field(description="labels of the dataset, in order")
    methods: list[str] = Field(description="whose images are tried as training data")
    seeds: list[int] = Field(description="seeds of the generators")
    encoder: FeaturesRef = Field(description="whose features the backbone `encoder` is")
    generated: list[ImageSet] = Field(description="whose images are read, in the order of their files")
    downstream: DownstreamSettings = Field(description="the configuration's section `downstream`")
