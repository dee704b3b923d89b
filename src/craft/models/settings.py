"""Settings of the models: loaded from a path, or trained by the run itself; and how one refers to an evaluator."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from craft.core.registry import named
from craft.core.settings import Name, PathText, Positive, Role, Strict
from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.families import FAMILIES
from craft.models.loaders import LOADERS
from craft.models.towers import TOWERS

Widths = Annotated[list[Positive], Field(min_length=2)]


class LoadedModel(Strict):
    """Where a model is loaded from, and which of its versions."""

    path: PathText | None = Field(
        None, description="model folder, hub id or package; null where the run trains the model"
    )
    revision: str | None = Field(
        None,
        min_length=1,
        description="branch, tag or commit of a hub model. Its commit is looked up before the first job and kept in"
        " `<results>/models/hub.json`; null: the main branch",
    )
    variant: str | None = Field(None, min_length=1, description="variant of the files of weights, for example fp16")
    local_files_only: bool = Field(False, description="take a hub model from the local cache, and never ask the hub")

    @property
    def source(self) -> str | None:
        """Folder, hub id or package that is loaded; None where the run trains the model from scratch."""
        return self.path

    @property
    def hub(self) -> dict[str, str | bool]:
        """What a loader of hub models takes beside the path, as far as it is set."""
        options = {"revision": self.revision, "variant": self.variant, "local_files_only": self.local_files_only}
        return {name: value for name, value in options.items() if value}

    @model_validator(mode="after")
    def a_version_is_of_a_loaded_model(self) -> Self:
        if self.source is None and self.hub:
            raise ValueError(f"`{next(iter(self.hub))}` is read where a model is loaded, not trained; remove it")
        return self


class ModelRef(LoadedModel):
    """A model that a job loads."""

    path: PathText = Field(description="model folder, hub id or package")


def require_one(model: Any, example: str) -> Any:
    """The model itself; a ValueError unless it has exactly one of `path` and `train`."""
    if (model.path is None) == (model.train is None):
        raise ValueError(f"needs either `path` or `train`; write for example `{example}`")
    return model


class FoundationTraining(Strict):
    """How a small Stable-Diffusion-shaped foundation is trained from scratch, or how another one's UNet trains on."""

    seed: int = Field(0, description="of the first weights and of every batch")
    start: PathText | None = Field(
        None,
        description="pipeline folder or hub id whose UNet trains on; autoencoder, text encoder and channels are its"
        " own, and of these settings only the UNet's are read. Null trains from scratch",
    )
    optimizer: Literal["adamw", "muon"] = Field(
        "muon", description="of autoencoder and UNet (craft.training.optimizers)"
    )
    autoencoder_channels: Widths = Field([16, 32, 64], description="channels by level; each level but the first halves")
    latent_channels: Positive = Field(8, description="channels of the latents")
    autoencoder_steps: Positive = Field(4000, description="steps of the autoencoder")
    autoencoder_batch: Positive = Field(8, description="images of a process in a step of the autoencoder")
    autoencoder_learning_rate: float = Field(4e-3, gt=0, description="of the autoencoder, at its height")
    autoencoder_detail: float = Field(0.1, ge=0, description="weight of the error of detail beside the squared error")
    text_width: Positive = Field(128, description="width of the text states")
    text_steps: Positive = Field(500, description="steps of the throw-away CLIP that trains the text encoder")
    unet_channels: Widths = Field([32, 64, 128], description="channels of the UNet by level")
    unet_layers: Widths | None = Field(
        None,
        description="layers of the UNet by level; a UNet to start from is made deeper. Null is one layer from scratch,"
        " and what a UNet to start from has",
    )
    unet_steps: Positive = Field(3500, description="steps of the UNet")
    unet_batch: Positive = Field(32, description="images of a process in a step of the UNet")
    unet_learning_rate: float = Field(2e-3, gt=0, description="of the UNet, at the height of its schedule")
    caption_dropout: float = Field(0.1, ge=0, lt=1, description="share of empty captions, for classifier-free guidance")


class FoldTraining(Strict):
    """What trainings on a fold of the training images share."""

    seed: int = Field(description="of the first weights and of every batch")
    fold: int = Field(0, ge=0, description="which fold of the training images it sees")
    folds: Positive = Field(1, description="into how many folds the training patients are divided")

    @model_validator(mode="after")
    def fold_is_one_of_them(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(
                f"fold is {self.fold}, but folds are counted from 0 and there are {self.folds}; write `fold: 0`"
            )
        return self


class EvaluatorTraining(FoldTraining):
    """How a small image-text evaluator is trained from scratch."""

    family: named(FAMILIES) = Field(description="architecture and loss")
    width: int = Field(96, gt=0, multiple_of=32, description="length of the embeddings")
    steps: Positive = Field(1500, description="training steps")
    image_steps: int = Field(0, ge=0, description="how many of the steps, at the start, train the image tower alone")
    batch: Positive = Field(64, description="images a step")
    learning_rate: float = Field(2e-3, gt=0, description="at the height of the schedule")


class EncoderTraining(FoldTraining):
    """How a small vision-only encoder is trained from scratch (`craft.training.encoder`)."""

    tower: named(TOWERS) = Field(description="architecture")
    width: int = Field(96, gt=0, multiple_of=32, description="half the length of the features")
    steps: Positive = Field(1500, description="training steps")
    batch: Positive = Field(96, description="images a step")
    learning_rate: float = Field(2e-3, gt=0, description="at the height of the schedule")


class ClassifierTraining(Strict):
    """How the classifier of phantoms is trained, on phantoms that nothing else saw."""

    seed: int = Field(900, description="of the phantoms, the first weights and every batch")
    images: Positive = Field(10_000, description="phantoms that are rendered for it")
    steps: Positive = Field(1200, description="training steps")
    batch: Positive = Field(64, description="images a step")
    learning_rate: float = Field(2e-3, gt=0, description="at the height of the schedule")


class FoundationSettings(LoadedModel):
    """The generator that is adapted: a pipeline folder or hub id, or settings to train one."""

    path: PathText | None = Field(
        None, description="pipeline folder or hub id; null where the run trains the foundation"
    )
    train: FoundationTraining | None = Field(None, description="how the run trains it; null where it is loaded")

    @property
    def source(self) -> str | None:
        """See `LoadedModel.source`; a foundation whose UNet trains on is loaded too."""
        return self.train.start if self.train else self.path

    @model_validator(mode="after")
    def path_or_training(self) -> Self:
        return require_one(self, "path: data/models/foundation")


class JudgeSettings(LoadedModel):
    """What an evaluator and a vision encoder have in common: exactly one role in the run, and a declared background.

    The last three are known of models that the run trains, and read from the `provenance.json` of folders that this
    pipeline wrote (`craft.models.independence`).
    """

    role: Role = Field(
        description="reward: enters the loss; monitor: selects the state; held_out: touches neither, speaks of a gain"
    )
    family: str | None = Field(
        None, min_length=1, description="its architecture; null: as provenance has it, or unknown"
    )
    training_data: list[str] | None = Field(
        None, min_length=1, description="names of the sets that formed it; null: as provenance has it, or unknown"
    )
    origin: str | None = Field(
        None,
        min_length=1,
        description="who published it, or what it was initialised with; null: as provenance has it, or unknown",
    )

    @model_validator(mode="after")
    def nothing_known_is_declared(self) -> Self:
        if getattr(self, "train", None) and (
            declared := [key for key in ("family", "training_data", "origin") if getattr(self, key) is not None]
        ):
            raise ValueError(f"`{declared[0]}` is known of a model that the run trains; remove it")
        return self


class EvaluatorSettings(JudgeSettings):
    """An image-text evaluator with exactly one role in the run."""

    loader: named(LOADERS) = Field("transformers", description="what reads the folder or hub id")
    train: EvaluatorTraining | None = Field(None, description="how the run trains it; null where it is loaded")

    @model_validator(mode="after")
    def path_or_training(self) -> Self:
        return require_one(self, "path: data/models/evaluator-clip_resnet")


class EncoderSettings(JudgeSettings):
    """A vision-only encoder with exactly one role in the run."""

    loader: named(ENCODER_LOADERS) = Field("transformers", description="what reads it")
    train: EncoderTraining | None = Field(None, description="how the run trains it; null where it is loaded")

    @model_validator(mode="after")
    def path_or_training(self) -> Self:
        return require_one(self, "path: data/models/encoder-anatomy_resnet")


RELEASED_ENCODERS = {
    "anatomy_resnet": EncoderSettings(role="reward", path="data/models/encoder-anatomy_resnet"),
    "anatomy_bit": EncoderSettings(role="monitor", path="data/models/encoder-anatomy_bit"),
    "efficientnet_lite0": EncoderSettings(
        role="held_out",
        path="efficientnet-lite0",
        loader="imagenet",
        family="efficientnet",
        training_data=["imagenet"],
        origin="tensorflow",
    ),
}


class ClassifierSettings(Strict):
    """The label classifier of phantoms, which no other model ever met."""

    path: PathText | None = Field(None, description="model folder; null where the run trains the classifier")
    train: ClassifierTraining | None = Field(None, description="how the run trains it; null where it is loaded")

    @model_validator(mode="after")
    def path_or_training(self) -> Self:
        return require_one(self, "path: data/models/phantom_classifier")


class EncoderRef(ModelRef):
    """Which vision encoder plays which role, where its folder, hub id or package is and what reads it."""

    name: Name = Field(description="name of the encoder in the configuration and in all tables")
    role: Role = Field(description="its role in the run")
    loader: named(ENCODER_LOADERS) = Field("transformers", description="what reads it")


class EvaluatorRef(ModelRef):
    """Which evaluator plays which role, where its folder (or hub id) is, what reads it, and which encoder it needs."""

    name: Name = Field(description="name of the evaluator in the configuration and in all tables")
    role: Role = Field(description="its role in the run")
    loader: named(LOADERS) = Field("transformers", description="what reads the folder or hub id")
    encoder: EncoderRef = Field(description="vision encoder of the same role, which judges plausibility beside it")
