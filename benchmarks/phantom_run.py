"""A results folder of one phantom dataset, as far as scoring needs it, made from nothing but the repository."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import yaml

from craft.core.config.run import validate_config
from craft.core.files import write_json, write_parquet, write_tensors, write_text
from craft.core.identity import ROOT
from craft.core.images import GROUP, read_images, write_images
from craft.core.resolve import resolve_settings
from craft.core.settings import ScoreSettings
from craft.datasets.prepare import prepare
from craft.evaluation.scoring.scorer import Scorer
from craft.knowledge.schema import Knowledge
from craft.models.evaluators import ImageTextEvaluator
from craft.reward.calibration import calibrate
from craft.reward.features import Features, calibration_to_json, compute_features

DATASET = "dermoscopy"


def make_run(folder: Path, images_per_label: int) -> Path:
    """The default run's dermoscopy phantoms with features, calibration and real scores of its held-out evaluator."""
    config = validate_config(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    source = config.datasets[DATASET].model_copy(update={"images_per_label": images_per_label})
    settings = resolve_settings(config)[f"{DATASET}/settings/score_images.yaml"]
    refs = [
        ref.model_copy(update={"path": str(ROOT / ref.path)}) for ref in settings.evaluators if ref.role == "held_out"
    ]
    run = settings.model_copy(update={"evaluators": refs, "truth": None, "runs": [("real", 0)]})
    data = folder / DATASET
    write_text(data / "settings/score_images.yaml", run.to_yaml())
    write_images(data / "images.parquet", prepare(DATASET, source, config.resolution)[0])
    book = Knowledge.load(ROOT / config.knowledge / f"{source.modality}.yaml").select(source.labels)
    write_text(data / "knowledge.yaml", book.to_yaml())
    calibrate_run(run, data, book)
    return folder


def calibrate_run(run: ScoreSettings, data: Path, book: Knowledge) -> None:
    """Write features, calibration and the scores of the real test images."""
    frame, ref = read_images(data / "images.parquet"), run.evaluators[0]
    evaluator = ImageTextEvaluator.load(ref.path)
    write_tensors(data / "features.safetensors", compute_features(evaluator, frame, book, ref.name))
    known = Features(data / "features.safetensors", frame, book)
    raw, pairs = known.raw_scores(ref.name, run.neighbours), known.split(ref.name, "calibration")
    maps = calibrate(raw, *pairs, known.of(ref.name, "damaged"), torch.empty(0, pairs[0].shape[1]))
    fitted_on = {ref.name: known.digest(ref.name)}
    write_json(data / "calibration.json", calibration_to_json({ref.name: maps}, fitted_on))
    scores = Scorer.load(run, known, data / "calibration.json").score_real()
    write_parquet(data / "real/seed0/scores.parquet", scores)


def repeat_images(source: Path, target: Path, count: int) -> None:
    """An image table of `count` rows that repeats the rows of another, written in groups."""
    table = pq.read_table(source)
    with pq.ParquetWriter(target, table.schema) as writer:
        for start in range(0, count, GROUP):
            rows = [row % len(table) for row in range(start, min(start + GROUP, count))]
            writer.write_table(table.take(pa.array(rows)))


def test_images(folder: Path) -> pd.DataFrame:
    """The real test images of a run."""
    return read_images(folder / DATASET / "images.parquet", "test")
