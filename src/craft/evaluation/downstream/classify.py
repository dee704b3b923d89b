"""Is a synthetic training set of any use to a classifier of real images?

Within an arm (`craft.evaluation.downstream.arms`) labels weigh alike, and real and synthetic images by the ratio,
whatever their number. All arms are tested on the real test images.

Each backbone (`craft.evaluation.downstream.backbones`) goes through all arms. For a network every arm takes at most the
same number of steps of the same batch size, so that more images never mean longer training, and starts from the same
weights for the same seed; it stops early, and keeps its best state, by the real *calibration* images, which no arm
trains on. Logistic regression on a frozen encoder's features needs neither, and has no seed of its own.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from craft.core.seeds import derive_seed
from craft.core.settings import match_files
from craft.evaluation.downstream.arms import list_arms
from craft.evaluation.downstream.backbones import Backbone, make_backbone
from craft.evaluation.downstream.results import COLUMNS
from craft.evaluation.downstream.sets import LabelledImages, TrainingSet
from craft.evaluation.downstream.settings import DownstreamJob

log = logging.getLogger(__name__)


def compare_arms(
    job: DownstreamJob, images: Path, features: Path, generated: list[Path], embeddings: list[Path], device: str = "cpu"
) -> pd.DataFrame:
    """Train every arm with every backbone and classifier seed and predict the real test images.

    Args:
        job: dataset, labels, methods, generator seeds, encoder and classifier settings.
        images: image table of the dataset, with splits train, calibration and test.
        features: its feature file.
        generated: image tables of the generated images, in the order of `job.generated`.
        embeddings: feature files of the generated images, in the same order.
        device: where networks are trained.

    Returns:
        Predictions, one row per backbone, arm, classifier seed and test image, columns
        `craft.evaluation.downstream.results.COLUMNS`.

    Raises:
        CraftError: if a file is missing, there is not one for every image set, or a table holds an unknown label.
    """
    tables = match_files(job.generated, generated, "--generated")
    files = dict(match_files(job.generated, embeddings, "--embeddings"))
    # a generator seed that no classifier is paired with is not read
    used = [(each, path) for each, path in tables if each.seed in job.seeds[: len(job.downstream.seeds)]]
    frames = []
    for name in job.downstream.backbones:
        backbone = make_backbone(name, job, device)
        splits = {split: backbone.read(images, features, split) for split in ("train", "calibration", "test")}
        pools = {(each.method, each.seed): backbone.read(path, files[each]) for each, path in used}
        frames += train_arms(job, backbone, splits, pools)
    return pd.concat(frames, ignore_index=True)


def train_arms(
    job: DownstreamJob,
    backbone: Backbone,
    splits: dict[str, LabelledImages],
    pools: dict[tuple[str, int], LabelledImages],
) -> Iterator[pd.DataFrame]:
    """Predictions of every arm and classifier seed with one backbone.

    Classifier seed number i is paired with generator seed number i, again from the first one when they run out. A
    backbone without a seed of its own ends there: what followed would be the same once more.

    Args:
        job: dataset, methods, generator seeds and classifier settings.
        backbone: what classifies.
        splits: the real images by split.
        pools: the synthetic images by method and generator seed.
    """
    downstream, test = job.downstream, splits["test"]
    real = splits["train"].limit(downstream.train_images_per_label, derive_seed(job.dataset))
    seeds = downstream.seeds if backbone.seeded else downstream.seeds[: len(job.seeds)]
    arms = list_arms(job.methods, downstream.ratios)
    trainings = [(arm, number) for arm in arms for number in range(len(seeds))]
    for arm, number in tqdm(trainings, desc=f"classifiers, {backbone.name}", disable=None):
        seed, generator_seed = seeds[number], job.seeds[number % len(job.seeds)]
        sets = [TrainingSet(real)] if arm.real else []
        sets += [TrainingSet(pools[arm.method, generator_seed], arm.ratio)] if arm.method else []
        probabilities = backbone.classify(sets, splits["calibration"], test, len(real.ids), seed)
        frame = prediction_rows(job, backbone.name, arm.name, seed, test, probabilities)
        accuracy = (frame["label"] == frame["predicted"]).mean()
        log.info("%s, %s, %s, seed %d: accuracy %.3f", job.dataset, backbone.name, arm.name, seed, accuracy)
        yield frame


def prediction_rows(
    job: DownstreamJob, backbone: str, arm: str, seed: int, test: LabelledImages, probabilities: np.ndarray
) -> pd.DataFrame:
    """Predictions of one classifier as rows; `probabilities` has the shape (n, labels)."""
    names = np.array(job.labels, dtype=object)
    frame = pd.DataFrame(
        {
            "dataset": job.dataset,
            "backbone": backbone,
            "method": arm,
            "seed": seed,
            "image_id": test.ids,
            "label": names[test.labels],
            "predicted": names[probabilities.argmax(axis=1)],
            "probabilities": list(probabilities.astype(float)),
        }
    )
    return frame[list(COLUMNS)]
