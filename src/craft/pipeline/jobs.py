"""From the configuration to the settings of every job.

The Snakefile calls `write_settings` when it is parsed. A file is written only when its content changes, so that a
changed key re-runs exactly the jobs that it concerns.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from craft.core.files import write_changed
from craft.core.settings import REAL, ImageSet, JobSettings
from craft.datasets.readers import READERS
from craft.datasets.settings import PrepareJob, ReadJob
from craft.evaluation.ablation.settings import AblationJob
from craft.evaluation.auditing.settings import AuditJob, AuditSettings, SignsJob
from craft.evaluation.biomarkers.settings import MeasureJob
from craft.evaluation.checklist.settings import CheckedDataset, CheckedMethod, CheckedTraining, ChecklistJob
from craft.evaluation.downstream.settings import DownstreamJob
from craft.evaluation.fidelity.settings import FidelityJob
from craft.evaluation.gallery.settings import GalleryJob
from craft.evaluation.memorization.settings import MemorizationJob
from craft.evaluation.reader_study.settings import ReaderStudyJob, ShownDataset, ShownImages
from craft.evaluation.release.settings import ModelCheckJob
from craft.evaluation.results import SETTINGS
from craft.evaluation.scoring.settings import ScoreJob
from craft.evaluation.settings import Run
from craft.evaluation.tables import TABLES
from craft.evaluation.validity.settings import ValidityJob
from craft.knowledge.settings import KnowledgeJob
from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.families import FAMILIES
from craft.models.independence import list_backgrounds
from craft.models.settings import EvaluatorRef, ModelRef
from craft.models.towers import TOWERS
from craft.pipeline.config import Config
from craft.pipeline.models import (
    encoder_ref,
    evaluator_refs,
    foundation_ref,
    loader_extensions,
    loaders_of,
    model_path,
    tower_modules,
)
from craft.reward.dimensions import DIMENSIONS
from craft.reward.settings import CalibrationJob, EncodeJob
from craft.training.methods import METHODS
from craft.training.methods.base import MethodSettings, line_of, model_of
from craft.training.settings import (
    TEXT_FAMILY,
    ClassifierJob,
    EncoderJob,
    EvaluatorJob,
    FoundationJob,
    GenerationJob,
    MethodJob,
)

ABLATION_SETTINGS = "tables/settings/collect_ablations.yaml"
GALLERY_SETTINGS = "tables/settings/make_gallery.yaml"
CHECKLIST_SETTINGS = "tables/settings/write_checklist.yaml"
STUDY_SETTINGS = "reader_study/settings/make_study.yaml"


def resolve_jobs(config: Config) -> dict[str, JobSettings]:
    """Settings of every job of a configuration, by the path of their file below `results`."""
    jobs: dict[str, JobSettings] = resolve_models(config)
    if config.foundation and config.foundation.train and config.phantom_classifier:
        jobs["models/settings/check_models.yaml"] = ModelCheckJob(
            modules=ENCODER_LOADERS.modules(encoder_ref(config, "held_out").loader),
            foundation=model_path(config, "foundation"),
            phantom_classifier=model_path(config, "phantom_classifier"),
            encoder=encoder_ref(config, "held_out"),
            sampling=config.sampling,
        )
    if any(evaluator.train for evaluator in config.evaluators.values()):
        jobs |= resolve_signs(config)
    for dataset in config.datasets:
        jobs |= resolve_preparation(config, dataset) | resolve_measurements(config, dataset)
        for method in config.methods:
            for seed in config.seeds:
                jobs |= resolve_method(config, dataset, method, seed)
    jobs[SETTINGS] = resolve_run(config)
    jobs[GALLERY_SETTINGS] = resolve_gallery(config)
    jobs[CHECKLIST_SETTINGS] = resolve_checklist(config)
    return jobs | resolve_ablations(config) | resolve_study(config)


def resolve_run(config: Config) -> Run:
    """What a run consists of."""
    return Run(
        modules=[*DIMENSIONS.extension_files(), *TABLES.modules()],
        datasets={name: list(dataset.labels) for name, dataset in config.datasets.items()},
        unnamed_patients=[name for name, dataset in config.datasets.items() if not dataset.names_patients],
        resolution=config.resolution,
        methods=list(config.methods),
        rewarded=[name for name, method in config.methods.items() if method.rewarded],
        given=config.given_methods(),
        controls=config.controls(),
        trainings={
            name: [each for each in line_of(name, config.methods) if config.methods[each].rule]
            for name in config.methods
        },
        seeds=config.seeds,
        scoring=config.scoring,
        judges=list(list_backgrounds(config.evaluators, config.encoders, list(config.datasets))),
    )


def resolve_gallery(config: Config) -> GalleryJob:
    """The run, and what the gallery may show of it."""
    narrowed = {
        "modules": DIMENSIONS.extension_files(),
        "notice": config.notice,
        "modalities": {name: dataset.modality for name, dataset in config.datasets.items()},
        "shown": [name for name, dataset in config.datasets.items() if dataset.show_images],
    }
    return GalleryJob(**dict(resolve_run(config)) | narrowed)


def resolve_checklist(config: Config) -> ChecklistJob:
    """The run, and how it was configured."""
    foundation = config.foundation
    data = {
        name: CheckedDataset(**{key: getattr(dataset, key) for key in CheckedDataset.model_fields})
        for name, dataset in config.datasets.items()
    }
    return ChecklistJob(
        **dict(resolve_run(config)) | {"modules": TABLES.modules()},
        notice=config.notice,
        data=data,
        generator=foundation and name_of(model_path(config, "foundation")),
        generator_trained=bool(foundation and foundation.train),
        ways={name: checked_method(method) for name, method in config.methods.items()},
        knowledge=config.knowledge.provider,
    )


def name_of(path: str) -> str:
    """A model's path or hub id as it is; of a folder of this machine only the last part."""
    return Path(path).name if Path(path).is_absolute() else path


def checked_method(method: MethodSettings) -> CheckedMethod:
    """What the checklist says of a method."""
    training, guard = (getattr(method, key, None) if method.rule else None for key in ("training", "guard"))
    return CheckedMethod(
        kind=method.kind,
        start=method.start,
        guarded=bool(guard and guard.acts),
        training=training and CheckedTraining(**{key: getattr(training, key) for key in CheckedTraining.model_fields}),
    )


def resolve_ablations(config: Config) -> dict[str, JobSettings]:
    """Settings of the jobs of all variants of the ablated method, of what they start from, and of their table."""
    if not config.ablated:
        return {}
    whole, phrases = config.with_ablations(), config.ablated.phrases()
    jobs: dict[str, JobSettings] = {}
    for dataset in config.datasets:
        jobs[f"{dataset}/settings/score_ablations.yaml"] = score_job(config, dataset, image_sets(config, phrases))
        for method in whole.methods:
            for seed in config.seeds if method not in config.methods else []:
                jobs |= resolve_method(whole, dataset, method, seed)
    run, compared = resolve_run(whole), [config.ablated.of, *phrases]
    narrowed = {
        "modules": DIMENSIONS.extension_files(),
        "methods": compared,
        "rewarded": [name for name in run.rewarded if name in compared],
        "given": [],
        "controls": [REAL],
        "trainings": {name: run.trainings[name] for name in compared},
    }
    jobs[ABLATION_SETTINGS] = AblationJob(**dict(run) | narrowed, phrases=phrases, features=config.held_out_features())
    return jobs


def resolve_study(config: Config) -> dict[str, JobSettings]:
    """Settings of the job that makes the page of a reader study."""
    study = config.studied
    if not study:
        return {}
    shown = {name: config.datasets[name] for name in study.datasets or config.datasets}
    images = [
        ShownImages(dataset=dataset, method=method, seed=seed)
        for dataset in shown
        for method in study.methods
        for seed in ([0] if method == REAL else config.seeds)
    ]
    datasets = {name: ShownDataset(modality=each.modality, labels=list(each.labels)) for name, each in shown.items()}
    return {STUDY_SETTINGS: ReaderStudyJob(study=study, datasets=datasets, images=images, notice=config.notice)}


def resolve_models(config: Config) -> dict[str, JobSettings]:
    """Settings of the jobs that train models from scratch."""
    shared: dict[str, Any] = {"resolution": config.resolution, "datasets": list(config.datasets)}
    jobs: dict[str, JobSettings] = {}
    if config.foundation and config.foundation.train:
        source = config.foundation.source
        start = ModelRef(path=source, **config.foundation.hub) if source else None
        jobs["models/settings/foundation.yaml"] = FoundationJob(
            modules=FAMILIES.modules(TEXT_FAMILY), training=config.foundation.train, start=start, **shared
        )
    for name, evaluator in config.evaluators.items():
        if evaluator.train:
            jobs[f"models/settings/evaluator-{name}.yaml"] = EvaluatorJob(
                modules=[*FAMILIES.modules(evaluator.train.family), *tower_modules(evaluator)],
                evaluator=name,
                role=evaluator.role,
                training=evaluator.train,
                **shared,
            )
    for name, encoder in config.encoders.items():
        if encoder.train:
            jobs[f"models/settings/encoder-{name}.yaml"] = EncoderJob(
                modules=TOWERS.modules(encoder.train.tower), encoder=name, training=encoder.train, **shared
            )
    if config.phantom_classifier and config.phantom_classifier.train:
        jobs["models/settings/phantom_classifier.yaml"] = ClassifierJob(
            resolution=config.resolution,
            labels={dataset.modality: list(dataset.labels) for dataset in config.datasets.values()},
            training=config.phantom_classifier.train,
        )
    return jobs


def resolve_signs(config: Config) -> dict[str, JobSettings]:
    """Settings of the jobs that find what is true of the images that evaluators are trained on."""
    # nothing else of the audit has a say in it
    audit = AuditSettings(floor=config.audit.floor, folds=config.audit.folds)
    return {
        f"{name}/settings/find_signs.yaml": SignsJob(
            dataset=name, modality=dataset.modality, signs=config.signs, audit=audit
        )
        for name, dataset in config.datasets.items()
    }


def resolve_preparation(config: Config, dataset: str) -> dict[str, JobSettings]:
    """Settings of the jobs that prepare, describe, encode and calibrate one dataset."""
    images, folder, refs = config.datasets[dataset], f"{dataset}/settings", evaluator_refs(config)
    return {
        f"{folder}/prepare_images.yaml": PrepareJob(
            modules=READERS.modules(images.reader), dataset=dataset, resolution=config.resolution, images=images
        ),
        f"{folder}/write_knowledge.yaml": KnowledgeJob(
            dataset=dataset, modality=images.modality, labels=images.labels, knowledge=config.knowledge
        ),
        f"{folder}/encode_images.yaml": EncodeJob(
            modules=loaders_of(config, refs),
            dataset=dataset,
            foundation=foundation_ref(config) if config.foundation else None,
            evaluators=refs,
            batch=config.scoring.batch,
        ),
        f"{folder}/calibrate_cas.yaml": CalibrationJob(
            modules=[*DIMENSIONS.modules(), *loader_extensions()],
            dataset=dataset,
            evaluators=refs,
            neighbours=config.scoring.neighbours,
        ),
    }


def resolve_measurements(config: Config, dataset: str) -> dict[str, JobSettings]:
    """Settings of the jobs that score and measure the images of one dataset."""
    images, folder = config.datasets[dataset], f"{dataset}/settings"
    generated = image_sets(config, config.methods)
    measured = [*(ImageSet(method=name, seed=0) for name in config.controls() if name != REAL), *generated]
    score = score_job(config, dataset, measured)
    tried = config.downstream.methods or list(config.methods)
    return {
        f"{folder}/score_images.yaml": score,
        f"{folder}/check_validity.yaml": ValidityJob(
            **dict(score) | {"generated": generated},
            rewarded=image_sets(config, [name for name, method in config.methods.items() if method.rewarded]),
            given=config.given_methods(),
            scoring=config.scoring,
            validity=config.validity,
        ),
        f"{folder}/measure_fidelity.yaml": FidelityJob(
            dataset=dataset,
            features=config.fidelity_features(),
            generated=measured,
            fidelity=config.fidelity,
        ),
        f"{folder}/train_classifier.yaml": DownstreamJob(
            dataset=dataset,
            labels=images.labels,
            methods=tried,
            seeds=config.seeds,
            encoder=config.held_out_features(),
            generated=image_sets(config, tried),
            downstream=config.downstream,
        ),
        f"{folder}/measure_biomarkers.yaml": MeasureJob(
            dataset=dataset,
            modality=images.modality,
            generated=measured,
            measured_per_method=config.audit.measured_per_method,
        ),
        f"{folder}/audit_checklist.yaml": AuditJob(dataset=dataset, generated=measured, audit=config.audit),
        f"{folder}/find_neighbours.yaml": MemorizationJob(
            dataset=dataset,
            features=config.memorization_features(),
            generated=generated,
            memorization=config.memorization,
        ),
    }


def score_job(config: Config, dataset: str, generated: list[ImageSet]) -> ScoreJob:
    """Settings of the job that scores some images of one dataset."""
    images, refs = config.datasets[dataset], evaluator_refs(config)
    return ScoreJob(
        modules=[*loaders_of(config, refs), *DIMENSIONS.modules()],
        dataset=dataset,
        modality=images.modality,
        labels=images.labels,
        evaluators=refs,
        phantom_classifier=model_path(config, "phantom_classifier") if config.phantom_classifier else None,
        generated=generated,
        neighbours=config.scoring.neighbours,
        batch=config.scoring.batch,
    )


def image_sets(config: Config, methods: Any) -> list[ImageSet]:
    """The generated images of some methods, seeds of a method after each other."""
    return [ImageSet(method=method, seed=seed) for method in methods for seed in config.seeds]


def seen_by(config: Config, method: MethodSettings) -> list[EvaluatorRef]:
    """The evaluators that a method sees: those of its roles only; the held-out ones are not even named to it."""
    refs, chosen = evaluator_refs(config, *method.roles) if method.roles else [], method.rewarders()
    return [ref for ref in refs if ref.role != "reward" or chosen is None or ref.name in chosen]


def resolve_method(config: Config, dataset: str, name: str, seed: int) -> dict[str, JobSettings]:
    """Settings of the jobs that train and sample one method with one seed, or read its images."""
    folder, processes = f"{dataset}/{name}/seed{seed}/settings", config.resources.processes
    if not config.methods[name].sampled:
        images = config.methods[name].reader(dataset, config.datasets[dataset], seed, config.resolution)
        place = {"dataset": dataset, "method": name, "seed": seed, "resolution": config.resolution}
        job = ReadJob(modules=READERS.modules(images.reader), images=images, **place)
        return {f"{folder}/read_images.yaml": job}
    method = config.methods[name].resolved(name, config.methods, config.sampling, processes)
    shared: dict[str, Any] = {
        "dataset": dataset,
        "method": name,
        "seed": seed,
        "resolution": config.resolution,
        "foundation": foundation_ref(config),
        "sampling": method.sampling or config.sampling,
    }
    refs = seen_by(config, method)
    judging = {
        "modules": [*METHODS.modules(method.kind), *method.modules(), *loaders_of(config, refs)],
        "evaluators": refs,
        "neighbours": config.scoring.neighbours,
    }
    selecting = judging | {"selection": method} if method.selects else {}
    jobs: dict[str, JobSettings] = {
        f"{folder}/generate_images.yaml": GenerationJob(
            prompts=method.prompts,
            adapter=adapter_path(config, dataset, name, seed),
            generation=config.generation,
            **selecting,
            **shared,
        )
    }
    if method.rule:
        jobs[f"{folder}/{method.rule}.yaml"] = MethodJob(training=method, **judging, **shared)
    return jobs


def adapter_path(config: Config, dataset: str, method: str, seed: int) -> str | None:
    """Folder of the adapter that makes a method's images; None where the foundation does."""
    model = model_of(method, config.methods)
    return f"{config.results}/{dataset}/{model}/seed{seed}/adapter" if model else None


def write_settings(config: Config, write: Callable[[Path, str], None] = write_changed) -> dict[str, JobSettings]:
    """Write all settings below `results`, each only if its content changed; returns them as `resolve_jobs` does.

    Args:
        config: of the run.
        write: writes a text where it is not what the file holds.
    """
    jobs = resolve_jobs(config)
    for name, job in jobs.items():
        write(Path(config.results) / name, job.to_yaml())
    return jobs
