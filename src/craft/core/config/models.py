"""Settings of the models: loaded from a path, or trained by the run itself."""

from typing import Any, Literal

from pydantic import Field, model_validator

from craft.core.config.base import Positive, Role, Strict


class FoundationTraining(Strict):
    """How a small Stable-Diffusion-shaped foundation is trained from nothing."""

    seed: int = 0
    autoencoder_channels: list[Positive] = Field([16, 32, 64])
    latent_channels: Positive = 8
    autoencoder_steps: Positive = 4000
    autoencoder_batch: Positive = 8
    autoencoder_learning_rate: float = Field(2e-3, gt=0)
    decoder_steps: int = Field(0, ge=0, description="steps that train the decoder alone, after the autoencoder")
    text_width: Positive = 128
    text_steps: Positive = 500
    unet_channels: list[Positive] = Field([32, 64, 128])
    unet_steps: Positive = 3500
    unet_batch: Positive = 32
    unet_learning_rate: float = Field(1e-3, gt=0)
    caption_dropout: float = Field(0.1, ge=0, lt=1)


class EvaluatorTraining(Strict):
    """How a small image-text evaluator is trained from nothing."""

    family: Literal["clip_resnet", "clip_bit", "siglip_regnet"]
    seed: int
    fold: int = Field(0, ge=0, description="which fold of the training images it sees")
    folds: Positive = 1
    width: int = Field(96, gt=0, multiple_of=32, description="length of the embeddings")
    steps: Positive = 1500
    image_steps: int = Field(0, ge=0, description="how many of the steps, at the start, train the image tower alone")
    batch: Positive = 64
    learning_rate: float = Field(2e-3, gt=0)


class TruthTraining(Strict):
    """How the label classifier that judges phantoms by their drawn truth is trained, on phantoms nothing else saw."""

    seed: int = 900
    images: Positive = 10_000
    steps: Positive = 1200
    batch: Positive = 64
    learning_rate: float = Field(2e-3, gt=0)


class Model(Strict):
    """A model is loaded from `path` (a folder or a hub id), or trained by the pipeline when `path` is null."""

    path: str | None = None


class FoundationModel(Model):
    train: FoundationTraining | None = None

    @model_validator(mode="after")
    def path_or_training(self):
        return require_one(self, "foundation", "path: data/models/foundation")


class EvaluatorModel(Model):
    role: Role
    train: EvaluatorTraining | None = None

    @model_validator(mode="after")
    def path_or_training(self):
        return require_one(self, "evaluator", "path: data/models/evaluator-clip_resnet")


class TruthModel(Model):
    train: TruthTraining | None = None

    @model_validator(mode="after")
    def path_or_training(self):
        return require_one(self, "truth", "path: data/models/truth")


def require_one(model: Any, name: str, example: str) -> Any:
    if (model.path is None) == (model.train is None):
        raise ValueError(f"a {name} needs either `path` or `train`; write for example `{example}`")
    return model
