"""A results folder of one phantom dataset, as far as scoring needs it, made with nothing but the repository."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import yaml

from craft.core.files import write_json, write_parquet, write_text
from craft.core.identity import ROOT
from craft.core.images import GROUP, read_images, write_images
from craft.core.settings import REAL
from craft.datasets.prepare import prepare
from craft.evaluation.results import set_file
from craft.evaluation.scoring.results import SCORES
from craft.evaluation.scoring.scorer import Scorer
from craft.knowledge.schema import Knowledge
from craft.models.settings import EvaluatorRef
from craft.pipeline.config import Config, validate_config
from craft.pipeline.jobs import resolve_jobs
from craft.reward.calibration import calibrate
from craft.reward.features import Features, calibration_to_json, compute_features, write_features
from craft.reward.judge import Judge

DATASET = "dermoscopy"


def make_run(folder: Path, images_per_label: int) -> Path:
    """The default run's dermoscopy phantoms with features, calibration and real scores of its held-out evaluator.

    Args:
        folder: results folder to fill.
        images_per_label: phantoms that are rendered.

    Raises:
        CraftError: if they are so few that a split has none of a label.
    """
    config = validate_config(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    phantoms = config.datasets[DATASET].model_copy(update={"images_per_label": images_per_label})
    config = config.model_copy(update={"datasets": {DATASET: phantoms}})
    job = resolve_jobs(config)[f"{DATASET}/settings/score_images.yaml"]
    refs = [anchor_paths(ref) for ref in job.evaluators if ref.role == "held_out"]
    job = job.model_copy(update={"evaluators": refs, "phantom_classifier": None, "generated": []})
    write_text(folder / DATASET / "settings/score_images.yaml", job.to_yaml())
    known = make_dataset(config, DATASET, folder, refs)
    scores = Scorer.load(job, known, folder / DATASET / "calibration.json").score_real()
    write_parquet(folder / set_file(DATASET, REAL, 0, SCORES.name), scores)
    return folder


def anchor_paths(ref: EvaluatorRef) -> EvaluatorRef:
    """A judge whose folders are found from everywhere; hub ids and packages stay as they are."""

    def place(path: str) -> str:
        return str(ROOT / path) if (ROOT / path).exists() else path

    encoder = ref.encoder.model_copy(update={"path": place(ref.encoder.path)})
    return ref.model_copy(update={"path": place(ref.path), "encoder": encoder})


def make_dataset(config: Config, dataset: str, folder: Path, evaluators: list[EvaluatorRef]) -> Features:
    """Write images, knowledge, features and calibration of a dataset of the configuration to a results folder.

    The calibration has seen no images of other modalities.
    """
    data, images, maps = folder / dataset, config.datasets[dataset], {}
    write_images(data / "images.parquet", prepare(dataset, images, config.resolution)[0])
    bank = Knowledge.load(ROOT / config.knowledge.folder / f"{images.modality}.yaml")
    frame, knowledge = read_images(data / "images.parquet"), bank.select(images.labels)
    write_text(data / "knowledge.yaml", knowledge.to_yaml())
    entries: dict[str, torch.Tensor] = {}
    for ref in evaluators:
        entries |= compute_features(Judge.load(ref), [frame], knowledge, ref)
    write_features(data / "features.safetensors", frame, entries)
    known = Features(data / "features.safetensors", frame, knowledge)
    for ref in evaluators:
        raw, pairs = known.raw_scores(ref, config.scoring.neighbours), known.split(ref, "calibration")
        maps[ref.name] = calibrate(raw, *pairs, known.damaged(ref))
    fitted_on = {ref.name: known.digest(ref) for ref in evaluators}
    write_json(data / "calibration.json", calibration_to_json(maps, known.labels, fitted_on))
    return known


def repeat_images(source: Path, target: Path, count: int) -> None:
    """An image table of `count` rows that repeats the rows of another, written in groups."""
    table = pq.read_table(source)
    with pq.ParquetWriter(target, table.schema) as writer:
        for start in range(0, count, GROUP):
            rows = [row % len(table) for row in range(start, min(start + GROUP, count))]
            writer.write_table(table.take(pa.array(rows)))


def read_test_images(folder: Path) -> pd.DataFrame:
    """The real test images of a run."""
    return read_images(folder / DATASET / "images.parquet", "test")
