"""From the configuration to the settings of every job.

The Snakefile calls `write_settings` when it is parsed. A file is written only when its content changes, so a changed
key re-runs exactly the jobs that it concerns. Jobs do not import this module, so an edit here re-runs none of them.
"""

from pathlib import Path
from typing import Any

from craft.core.config.base import Role
from craft.core.config.methods import Foundation, Method, Reward
from craft.core.config.run import Config
from craft.core.files import write_text
from craft.core.settings import (
    AuditSettings,
    CalibrationSettings,
    DownstreamSettings,
    EncodeSettings,
    EvaluatorRef,
    EvaluatorSettings,
    FidelitySettings,
    FoundationSettings,
    GenerationSettings,
    KnowledgeSettings,
    MemorizationSettings,
    MethodSettings,
    ModelCheckSettings,
    PrepareSettings,
    ScoreSettings,
    Settings,
    TableSettings,
    TruthSettings,
    ValiditySettings,
)


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
