"""Resolved settings: the small YAML that every job takes as input, holding all it needs to know and nothing else.

The Snakefile calls `write_settings` when it is parsed. A file is written only when its content changes, so a changed
key re-runs exactly the jobs that it concerns. The job keeps a copy of what it ran with beside its output.
"""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import ValidationError

from craft.core.config.base import Role, Strict
from craft.core.config.datasets import Dataset
from craft.core.config.evaluation import Audit, Downstream, Fidelity, Generation, Memorization, Scoring, Validity
from craft.core.config.knowledge import KnowledgeSource
from craft.core.config.methods import Foundation, Method, Reward, Sampling, Supervised
from craft.core.config.models import EvaluatorTraining, FoundationTraining, TruthTraining
from craft.core.config.run import Config
from craft.core.errors import CraftError, explain_validation
from craft.core.files import write_text


class Settings(Strict):
    """Base of all jobs' settings."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a settings file.

        Raises:
            CraftError: if it is missing or does not fit the job.
        """
        if not Path(path).is_file():
            raise CraftError(f"no settings file {path}: `snakemake -n` writes it from the configuration")
        try:
            return cls.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise CraftError(f"{path} does not fit this job: {explain_validation(error)}") from error

    def to_yaml(self) -> str:
        """The settings as YAML, in the order of the class."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=120)

    def save(self, path: Path) -> None:
        """Write the settings, so that a result says what it was made with."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")


class EvaluatorRef(Strict):
    """Which evaluator plays which role, and where its folder (or hub id) is."""

    name: str
    role: Role
    path: str


class PrepareSettings(Settings):
    dataset: str
    resolution: int
    source: Dataset


class KnowledgeSettings(Settings):
    dataset: str
    modality: str
    labels: list[str]
    source: KnowledgeSource


class FoundationSettings(Settings):
    resolution: int
    datasets: list[str]
    training: FoundationTraining


class EvaluatorSettings(Settings):
    evaluator: str
    resolution: int
    datasets: list[str]
    training: EvaluatorTraining


class TruthSettings(Settings):
    resolution: int
    labels: dict[str, list[str]]
    training: TruthTraining


class ModelCheckSettings(Settings):
    foundation: str
    truth: str
    sampling: Sampling
    samples: int = 100


class EncodeSettings(Settings):
    dataset: str
    foundation: str
    evaluators: list[EvaluatorRef]


class CalibrationSettings(Settings):
    dataset: str
    evaluators: list[EvaluatorRef]
    neighbours: int


class MethodSettings(Settings):
    """What trains one adapter (supervised or reward)."""

    dataset: str
    method: str
    seed: int
    spec: Supervised | Reward
    resolution: int
    foundation: str
    evaluators: list[EvaluatorRef]
    sampling: Sampling
    neighbours: int


class GenerationSettings(Settings):
    dataset: str
    method: str
    seed: int
    prompts: str
    resolution: int
    foundation: str
    sampling: Sampling
    generation: Generation


class ScoreSettings(Settings):
    dataset: str
    modality: str
    labels: list[str]
    evaluators: list[EvaluatorRef]
    truth: str | None
    runs: list[tuple[str, int]]
    neighbours: int


class ValiditySettings(ScoreSettings):
    """What is scored, and which methods were finetuned with a reward, on which seeds."""

    rewarded: list[str]
    seeds: list[int]
    scoring: Scoring
    validity: Validity


class DownstreamSettings(Settings):
    dataset: str
    labels: list[str]
    methods: list[str]
    seeds: list[int]
    spec: Downstream


class FidelitySettings(Settings):
    dataset: str
    evaluators: list[EvaluatorRef]
    runs: list[tuple[str, int]]
    spec: Fidelity


class AuditSettings(Settings):
    dataset: str
    modality: str
    runs: list[tuple[str, int]]
    spec: Audit


class MemorizationSettings(Settings):
    dataset: str
    evaluator: str
    methods: list[str]
    seeds: list[int]
    spec: Memorization


class TableSettings(Settings):
    datasets: dict[str, list[str]]
    methods: list[str]
    rewards: list[str]
    seeds: list[int]
    scoring: Scoring


def model_path(config: Config, name: str) -> str:
    """Folder or hub id of `foundation`, `truth` or `evaluator-<name>`, configured or trained by the run."""
    models = {"foundation": config.foundation, "truth": config.truth}
    models |= {f"evaluator-{key}": evaluator for key, evaluator in config.evaluators.items()}
    return models[name].path or f"{config.results}/models/{name}"


def evaluator_refs(config: Config, *roles: Role) -> list[EvaluatorRef]:
    """References to the evaluators of the given roles (all without a role), in the order of the configuration."""
    return [
        EvaluatorRef(name=name, role=evaluator.role, path=model_path(config, f"evaluator-{name}"))
        for name, evaluator in config.evaluators.items()
        if not roles or evaluator.role in roles
    ]


def resolve_settings(config: Config) -> dict[str, Settings]:
    """Settings of every job of a configuration, by the path of their file below `results`."""
    settings: dict[str, Settings] = resolve_models(config)
    if config.foundation.train and config.truth:
        settings["models/settings/check_models.yaml"] = ModelCheckSettings(
            foundation=model_path(config, "foundation"), truth=model_path(config, "truth"), sampling=config.sampling
        )
    for dataset in config.datasets:
        settings |= resolve_dataset(config, dataset)
        for method, spec in config.methods.items():
            for seed in config.seeds:
                settings |= resolve_run(config, dataset, method, spec, seed)
    settings["tables/settings/collect_tables.yaml"] = TableSettings(
        datasets={name: list(dataset.labels) for name, dataset in config.datasets.items()},
        methods=list(config.methods),
        rewards=[name for name, method in config.methods.items() if isinstance(method, Reward)],
        seeds=config.seeds,
        scoring=config.scoring,
    )
    return settings


def resolve_models(config: Config) -> dict[str, Settings]:
    """Settings of the jobs that train models from nothing."""
    shared: dict[str, Any] = {"resolution": config.resolution, "datasets": list(config.datasets)}
    settings: dict[str, Settings] = {}
    if config.foundation.train:
        settings["models/settings/foundation.yaml"] = FoundationSettings(training=config.foundation.train, **shared)
    for name, evaluator in config.evaluators.items():
        if evaluator.train:
            settings[f"models/settings/evaluator-{name}.yaml"] = EvaluatorSettings(
                evaluator=name, training=evaluator.train, **shared
            )
    if config.truth and config.truth.train:
        settings["models/settings/truth.yaml"] = TruthSettings(
            resolution=config.resolution,
            labels={dataset.modality: list(dataset.labels) for dataset in config.datasets.values()},
            training=config.truth.train,
        )
    return settings


def resolve_dataset(config: Config, dataset: str) -> dict[str, Settings]:
    """Settings of the jobs that run once a dataset."""
    source, folder = config.datasets[dataset], f"{dataset}/settings"
    evaluators, neighbours = evaluator_refs(config), config.scoring.neighbours
    runs = [("real", 0)] + [(method, seed) for method in config.methods for seed in config.seeds]
    score = ScoreSettings(
        dataset=dataset,
        modality=source.modality,
        labels=source.labels,
        evaluators=evaluators,
        truth=model_path(config, "truth") if config.truth else None,
        runs=runs,
        neighbours=neighbours,
    )
    return {
        f"{folder}/prepare_images.yaml": PrepareSettings(dataset=dataset, resolution=config.resolution, source=source),
        f"{folder}/write_knowledge.yaml": KnowledgeSettings(
            dataset=dataset, modality=source.modality, labels=source.labels, source=config.knowledge
        ),
        f"{folder}/encode_images.yaml": EncodeSettings(
            dataset=dataset, foundation=model_path(config, "foundation"), evaluators=evaluators
        ),
        f"{folder}/calibrate_cas.yaml": CalibrationSettings(
            dataset=dataset, evaluators=evaluators, neighbours=neighbours
        ),
        f"{folder}/score_images.yaml": score,
        f"{folder}/check_validity.yaml": ValiditySettings(
            **dict(score),
            rewarded=[name for name, method in config.methods.items() if isinstance(method, Reward)],
            seeds=config.seeds,
            scoring=config.scoring,
            validity=config.validity,
        ),
        f"{folder}/measure_fidelity.yaml": FidelitySettings(
            dataset=dataset,
            evaluators=[ref for ref in evaluators if ref.name in config.fidelity_evaluators()],
            runs=runs[1:],
            spec=config.fidelity,
        ),
        f"{folder}/train_classifier.yaml": DownstreamSettings(
            dataset=dataset,
            labels=source.labels,
            methods=config.downstream.methods or list(config.methods),
            seeds=config.seeds,
            spec=config.downstream,
        ),
        f"{folder}/audit_checklist.yaml": AuditSettings(
            dataset=dataset, modality=source.modality, runs=runs, spec=config.audit
        ),
        f"{folder}/find_neighbours.yaml": MemorizationSettings(
            dataset=dataset,
            evaluator=config.evaluator("held_out"),
            methods=list(config.methods),
            seeds=config.seeds,
            spec=config.memorization,
        ),
    }


def resolve_run(config: Config, dataset: str, method: str, spec: Method, seed: int) -> dict[str, Settings]:
    """Settings of the jobs that train and sample one method with one seed."""
    folder = f"{dataset}/{method}/seed{seed}/settings"
    shared: dict[str, Any] = {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "resolution": config.resolution,
        "foundation": model_path(config, "foundation"),
        "sampling": config.sampling,
    }
    settings: dict[str, Settings] = {
        f"{folder}/generate_images.yaml": GenerationSettings(
            prompts=spec.prompts, generation=config.generation, **shared
        )
    }
    if not isinstance(spec, Foundation):
        rule = "finetune_reward" if isinstance(spec, Reward) else "train_adapter"
        # a reward run sees the reward and the monitor evaluator; the held-out ones are not even named to it
        evaluators = evaluator_refs(config, "reward", "monitor") if isinstance(spec, Reward) else []
        settings[f"{folder}/{rule}.yaml"] = MethodSettings(
            spec=spec, evaluators=evaluators, neighbours=config.scoring.neighbours, **shared
        )
    return settings


def write_settings(config: Config) -> None:
    """Write all settings below `results`, each only if its content changed."""
    for name, settings in resolve_settings(config).items():
        path, text = Path(config.results) / name, settings.to_yaml()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
