"""The typed configuration: every key of config.yaml, its type, its default and its reason.

`configs/schema.json` is generated from `Config` (`python -m craft.core.config`), and a test fails when the two differ.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from craft.core.errors import CraftError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Role = Literal["reward", "monitor", "held_out"]
REAL = "real"


class Strict(BaseModel):
    """Base of all settings: unknown keys are errors, values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Splits(Strict):
    """Shares of the patients: train (generators, classifiers), reference (plausibility), calibration and test."""

    train: Share = 0.5
    reference: Share = 0.15
    calibration: Share = 0.15
    test: Share = 0.2

    @model_validator(mode="after")
    def sum_to_one(self):
        total = self.train + self.reference + self.calibration + self.test
        if abs(total - 1.0) > 1e-6:
            raise ValueError(
                f"split fractions sum to {total:.3f}, not 1;"
                " write for example `splits: {train: 0.5, reference: 0.15, calibration: 0.15, test: 0.2}`"
            )
        return self


class DatasetBase(Strict):
    """What every dataset has.

    `modality` names the knowledge file; `labels` maps nothing, it selects and orders the labels that are used.
    """

    modality: Name
    labels: list[Name] = Field(min_length=2)
    splits: Splits = Splits()
    split_seed: int = 0
    max_quarantined: float = Field(0.02, ge=0, le=1, description="share of unreadable files above which the run stops")
    max_per_label: Positive | None = Field(None, description="keep at most this many images of a label")


class PhantomDataset(DatasetBase):
    reader: Literal["phantom"]
    images_per_label: Positive = 500
    seed: int = 0


class ImageFolderDataset(DatasetBase):
    reader: Literal["image_folder"]
    path: str = Field(description="folder, absolute or below $CRAFT_DATA (default data/raw)")
    table: str = Field("labels.csv", description="label table in the folder; without one, class sub-folders are labels")
    label_column: str = "label"
    group_column: str | None = Field(None, description="patient or lesion id; without one every image is its own group")
    label_names: dict[str, Name] = Field({}, description="renames raw labels, for example {'0': grade_0}")


class MedmnistDataset(DatasetBase):
    reader: Literal["medmnist"]
    path: str = Field(description="npz file, absolute or below $CRAFT_DATA; downloaded by `medmnist` where missing")
    label_names: dict[str, Name] = Field({}, description="raw class number -> label, for example {'0': normal}")


Dataset = Annotated[PhantomDataset | ImageFolderDataset | MedmnistDataset, Field(discriminator="reader")]


class FoundationTraining(Strict):
    """How a small Stable-Diffusion-shaped foundation is trained from nothing."""

    seed: int = 0
    autoencoder_channels: list[Positive] = [16, 32, 64]
    latent_channels: Positive = 8
    autoencoder_steps: Positive = 4000
    autoencoder_batch: Positive = 8
    autoencoder_learning_rate: float = Field(2e-3, gt=0)
    text_width: Positive = 128
    text_steps: Positive = 500
    unet_channels: list[Positive] = [32, 64, 128]
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


class Lora(Strict):
    rank: Positive = 8
    alpha: Positive = 8
    target_modules: list[str] = ["to_q", "to_k", "to_v", "to_out.0"]


class Training(Strict):
    """The loop that every finetuning method shares."""

    steps: Positive = 200
    batch: Positive = 32
    learning_rate: float = Field(1e-3, gt=0)
    warmup_steps: int = Field(10, ge=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    checkpoint_every: Positive = 50


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
    prompt_dropout: float = Field(0.1, ge=0, lt=1, description="share of empty prompts, for classifier-free guidance")


class Objective(Strict):
    """The CRAFT loss: saturating reward, anchor to the starting adapter, denoising on real images."""

    weights: dict[Literal["alignment", "specificity", "checklist", "plausibility"], float] = {
        "alignment": 1.0,
        "specificity": 1.0,
        "checklist": 1.0,
        "plausibility": 1.0,
    }
    beta: float = Field(1.0, ge=0, description="weight of the anchor to the supervised adapter")
    gamma: float = Field(0.5, ge=0, description="weight of the denoising loss on real images")
    saturation_quantile: float = Field(0.5, ge=0, le=1, description="quantile of real rewards at which it saturates")
    augment: bool = True


class Guard(Strict):
    """When reward finetuning stops: the monitor falls by `tolerance` below its best `patience` checks in a row."""

    every: Positive = 10
    images: Positive = 32
    patience: Positive = 2
    tolerance: float = Field(0.01, ge=0)


class Reward(Strict):
    """CRAFT: reward finetuning of the adapter of another method."""

    kind: Literal["reward"]
    start: Name
    prompts: Literal["plain", "enriched"] = "enriched"
    backpropagate_steps: Positive = 1
    objective: Objective = Objective()
    guard: Guard = Guard()
    training: Training = Training(steps=40, batch=16, learning_rate=3e-4)


Method = Annotated[Foundation | Supervised | Reward, Field(discriminator="kind")]


class Sampling(Strict):
    """How images are sampled, in training and in generation alike."""

    scheduler: Literal["ddim", "dpmsolver++", "euler"] = "ddim"
    steps: Positive = 12
    guidance_scale: float = Field(3.0, ge=1)


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
    seeds: list[int] = [0, 1, 2]
    epochs: Positive = 15
    batch: Positive = 32
    learning_rate: float = Field(2e-3, gt=0)
    train_images_per_label: Positive | None = Field(None, description="limit of real training images")


class Resources(Strict):
    """Runtime (minutes) and memory (MB) that the training and the scoring rules ask of a cluster."""

    train_runtime: Positive = 120
    train_mem_mb: Positive = 8000
    score_runtime: Positive = 60
    score_mem_mb: Positive = 4000


class Config(Strict):
    """The whole configuration of one run."""

    results: str = "results"
    notice: str = Field(description="one sentence on what plays the part of real images, printed under every figure")
    resolution: int = Field(64, ge=32, multiple_of=8)
    seeds: list[int] = Field([0], min_length=1)
    knowledge: str = Field("data/knowledge", description="folder of the knowledge files")
    datasets: dict[Name, Dataset] = Field(min_length=1)
    foundation: FoundationModel
    evaluators: dict[Name, EvaluatorModel]
    truth: TruthModel | None = Field(None, description="label classifier of phantoms; null for real images")
    methods: dict[Name, Method] = Field(min_length=1)
    sampling: Sampling = Sampling()
    generation: Generation = Generation()
    scoring: Scoring = Scoring()
    downstream: Downstream = Downstream()
    resources: Resources = Resources()

    @model_validator(mode="after")
    def roles_and_methods_fit(self):
        roles = [evaluator.role for evaluator in self.evaluators.values()]
        for role in ("reward", "monitor"):
            if roles.count(role) != 1:
                raise ValueError(
                    f"exactly one evaluator has the role {role!r}, found {roles.count(role)};"
                    f" write for example `clip_resnet: {{role: {role}, path: data/models/evaluator-clip_resnet}}`"
                )
        if "held_out" not in roles:
            raise ValueError(
                "no evaluator has the role 'held_out', so no gain could be reported;"
                " write for example `siglip_regnet: {role: held_out, path: data/models/evaluator-siglip_regnet}`"
            )
        paths = [evaluator.path for evaluator in self.evaluators.values() if evaluator.path]
        repeated = next((path for path in paths if paths.count(path) > 1), None)
        if repeated:
            raise ValueError(f"the evaluator {repeated!r} has two roles; give every role a model of its own")
        if REAL in self.methods:
            raise ValueError("a method cannot be called 'real', the name of the real test images; rename it")
        if unknown := set(self.downstream.methods) - set(self.methods):
            raise ValueError(
                f"downstream.methods names {sorted(unknown)[0]!r}, which is no method;"
                f" write for example `methods: [{next(iter(self.methods))}]`"
            )
        for name, method in self.methods.items():
            start = self.methods.get(method.start) if isinstance(method, Reward) else None
            if isinstance(method, Reward) and not isinstance(start, Supervised):
                supervised = [key for key, other in self.methods.items() if isinstance(other, Supervised)]
                raise ValueError(
                    f"methods.{name}.start is {method.start!r}, which is not a supervised method;"
                    f" write for example `start: {supervised[0] if supervised else 'lora_enriched'}`"
                )
            if isinstance(method, Reward) and method.backpropagate_steps > self.sampling.steps:
                raise ValueError(
                    f"methods.{name}.backpropagate_steps is {method.backpropagate_steps}, more than the"
                    f" {self.sampling.steps} sampling steps; write for example `backpropagate_steps: 1`"
                )
        return self

    def evaluator(self, role: Role) -> str:
        """Name of the first evaluator with the given role."""
        return next(name for name, evaluator in self.evaluators.items() if evaluator.role == role)


def validate_config(raw: dict[str, Any], source: str = "config.yaml") -> Config:
    """Check a configuration.

    Raises:
        CraftError: one sentence that names the key and, where there is one, shows a correct line.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise CraftError(f"{source}: {explain_config(error)}") from error


def explain_config(error: ValidationError) -> str:
    """One sentence about the first finding, with the allowed keys or an example line."""
    first = error.errors()[0]
    # pydantic puts the tag of a discriminated union into the location; it is no key of the file
    tags = {"phantom", "image_folder", "medmnist", "supervised", "reward", "foundation"}
    parts = [str(part) for part in first["loc"]]
    key = ".".join(
        part for i, part in enumerate(parts) if i == 0 or part not in tags or (i == len(parts) - 1 and i < 2)
    )
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"unknown key `{key}`; remove it or correct its spelling (configs/schema.json lists all keys)"
    if first["type"] == "missing":
        return f"the key `{key}` is missing; add a line `{parts[-1]}: ...` (configs/schema.json says which values fit)"
    if first["type"] == "value_error":
        return f"`{key}`: {message}" if key else message
    return f"`{key}`: {message}, found {first['input']!r}; {example_line(first, parts)}"


def example_line(finding: dict[str, Any], parts: list[str]) -> str:
    """A correct line for a finding of pydantic, as far as the expected type tells one."""
    context = finding.get("ctx", {})
    examples = {
        "int": "1",
        "float": "0.5",
        "bool": "true",
        "list": "[a, b]",
        "string": "text",
        "dict": "{key: value}",
    }
    if "expected" in context:
        example = context["expected"].split(" or ")[0].split(",")[0].strip("'")
    elif "expected_tags" in context:
        return f"write for example `{context.get('discriminator', 'kind').strip(chr(39))}: " + (
            context["expected_tags"].split(",")[0].strip("'") + "`"
        )
    elif bound := next((context[name] for name in ("ge", "le", "multiple_of") if name in context), None):
        example = str(bound)
    else:
        example = next((text for kind, text in examples.items() if finding["type"].startswith(kind)), "...")
    return f"write for example `{parts[-1]}: {example}`"


def write_schema(path: Path = Path("configs/schema.json")) -> None:
    """Write the JSON schema of the configuration."""
    path.write_text(json.dumps(Config.model_json_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schema()
