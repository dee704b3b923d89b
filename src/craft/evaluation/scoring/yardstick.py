"""The yardstick of a dataset: what the images of strangers are scored against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.files import ROOT
from craft.core.images import AGAIN, check_columns, check_texts, require_table
from craft.core.reading import reading
from craft.core.settings import REAL
from craft.evaluation.results import SETTINGS, Results, set_file
from craft.evaluation.scoring.images import image_side
from craft.evaluation.scoring.results import SCORES
from craft.evaluation.scoring.settings import ScoreJob
from craft.evaluation.settings import ScoringSettings
from craft.knowledge.schema import Knowledge
from craft.models.settings import EvaluatorRef
from craft.reward.cas import ClinicalAlignment
from craft.reward.feature_file import read_calibration
from craft.reward.features import Features
from craft.reward.judge import Judge


@dataclass(frozen=True)
class Yardstick:
    """One dataset of a finished run under one of its evaluators.

    Attributes:
        dataset: name of the dataset.
        modality: of its images.
        labels: that have a reference.
        evaluator: name of the evaluator.
        role: of the evaluator in the run.
        size: side in pixels to which the run brought its images, and to which others are brought.
        judge: the evaluator and its vision encoder.
        alignment: its calibrated CAS.
        real: scores of the real test images with their own labels.
        scoring: quantile of the tail and bootstrap of the run.
    """

    dataset: str
    modality: str
    labels: list[str]
    evaluator: str
    role: str
    size: int
    judge: Judge
    alignment: ClinicalAlignment
    real: pd.DataFrame
    scoring: ScoringSettings

    @classmethod
    def load(cls, results: Path, dataset: str, evaluator: str | None = None, device: str = "cpu") -> Self:
        """Load the yardstick of a dataset from the results folder of a run.

        It needs `{dataset}/settings/score_images.yaml`, `images.parquet` (of which no image is decoded),
        `features.safetensors`, `knowledge.yaml`, `calibration.json` and the scores of the real test images.

        Args:
            results: results folder.
            dataset: a dataset of the run, or the modality of exactly one.
            evaluator: one of its evaluators; without a name, the first that is held out of rewards.
            device: where the evaluator runs.

        Raises:
            CraftError: if there is no such dataset or evaluator, a file is missing, or files do not belong together.
        """
        results = Path(results)
        job = ScoreJob.load(find_dataset(results, dataset) / "settings/score_images.yaml")
        ref, folder = find_evaluator(job, evaluator), results / job.dataset
        frame, size = read_frame(folder / "images.parquet")
        known = Features(folder / "features.safetensors", frame, Knowledge.load(folder / "knowledge.yaml"))
        calibration = read_calibration(folder / "calibration.json", [ref.name])
        alignment = known.alignment(ref, calibration, job.neighbours)
        path = results / set_file(job.dataset, REAL, 0, SCORES.name)
        real = SCORES.load(path)
        real = real[real["evaluator"] == ref.name].reset_index(drop=True)
        if real.empty:
            raise CraftError(f"{path} has no row of evaluator {ref.name!r}; run `snakemake --forcerun score_images`")
        scoring = Results.load(results).run.scoring if (results / SETTINGS).is_file() else ScoringSettings()
        judge = Judge.load(find_models(ref, results), device)
        alignment = alignment.to(device)
        return cls(job.dataset, job.modality, job.labels, ref.name, ref.role, size, judge, alignment, real, scoring)

    @torch.inference_mode()
    def score(self, images: Tensor, labels: Tensor) -> np.ndarray:
        """Calibrated dimensions (n, d) of images (n, 3, size, size) in [0, 1] with label numbers (n,)."""
        device = self.judge.device
        return self.alignment(self.judge.encode_images(images.to(device)), labels.to(device)).cpu().numpy()


def find_dataset(results: Path, name: str) -> Path:
    """Folder of a dataset in a results folder, by its name or by its modality where only one dataset has it."""
    if (results / name / "settings/score_images.yaml").is_file():
        return results / name
    jobs = [ScoreJob.load(path) for path in sorted(results.glob("*/settings/score_images.yaml"))]
    if not jobs:
        raise CraftError(f"{results} holds no scored dataset: give the results folder of a finished run")
    fitting = [job.dataset for job in jobs if job.modality == name]
    if len(fitting) == 1:
        return results / fitting[0]
    has = ", ".join(job.dataset for job in jobs)
    raise CraftError(
        f"{results} has {'several datasets' if fitting else 'no dataset'} {name!r}; name one of its datasets: {has}"
    )


def find_evaluator(job: ScoreJob, name: str | None) -> EvaluatorRef:
    """An evaluator of a run by its name, or the first that is held out."""
    fitting = [ref for ref in job.evaluators if ref.name == name or (name is None and ref.role == "held_out")]
    if not fitting:
        known = ", ".join(f"{ref.name} ({ref.role})" for ref in job.evaluators)
        raise CraftError(f"the run has no evaluator {name or 'held_out'!r}; name one of {known}")
    return fitting[0]


def find_models(ref: EvaluatorRef, results: Path) -> EvaluatorRef:
    """An evaluator and its encoder, whose folders are found if the working directory or the results moved."""

    def place(path: str, trained: str) -> str:
        places = (Path(path), ROOT / path, results / "models" / trained)
        return str(next((place for place in places if place.exists()), path))

    encoder = ref.encoder.model_copy(update={"path": place(ref.encoder.path, f"encoder-{ref.encoder.name}")})
    return ref.model_copy(update={"path": place(ref.path, f"evaluator-{ref.name}"), "encoder": encoder})


def read_frame(path: Path) -> tuple[pd.DataFrame, int]:
    """The texts of an image table, and the side of its images in pixels."""
    require_table(path)
    with reading(path, "an image table", AGAIN), pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        check_columns(names, path)
        frame = file.read([name for name in names if name != "image"]).to_pandas()
        if frame.empty:
            raise CraftError(f"{path} has no image; run `snakemake --force {path}`")
        check_texts(frame, path)
        first = next(file.iter_batches(1, columns=["image"]))["image"][0].as_py()
        return frame, image_side(first["bytes"])
