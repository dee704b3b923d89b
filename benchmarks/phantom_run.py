"""A results folder of one phantom dataset, as far as scoring needs it, made with nothing but the repository."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from craft.core.files import write_text
from craft.core.identity import ROOT
from craft.core.images import GROUP, read_images, write_images
from craft.datasets.prepare import prepare
from craft.knowledge.schema import Knowledge
from craft.pipeline.config import validate_config
from craft.pipeline.jobs import resolve_jobs

DATASET = "dermoscopy"


def make_run(folder: Path, images_per_label: int) -> Path:
    """The default run's dermoscopy phantoms with features, calibration and real scores of its held-out evaluator."""
    config = validate_config(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    phantoms = config.datasets[DATASET].model_copy(update={"images_per_label": images_per_label})
    job = resolve_jobs(config)[f"{DATASET}/settings/score_images.yaml"]
    refs = [ref.model_copy(update={"path": str(ROOT / ref.path)}) for ref in job.evaluators if ref.role == "held_out"]
    job = job.model_copy(update={"evaluators": refs, "phantom_classifier": None, "generated": []})
    data = folder / DATASET
    write_text(data / "settings/score_images.yaml", job.to_yaml())
    write_images(data / "images.parquet", prepare(DATASET, phantoms, config.resolution)[0])
    bank = Knowledge.load(ROOT / config.knowledge.folder / f"{phantoms.modality}.yaml")
    knowledge = bank.select(phantoms.labels)
    write_text(data / "knowledge.yaml", knowledge.to_yaml())
    calibrate_run(job, data, knowledge)
    return folder


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
