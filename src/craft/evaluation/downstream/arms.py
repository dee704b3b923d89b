"""Is a synthetic training set of any use to a classifier of real images?

The arms: real training images, a method's synthetic images, both in several ratios, and all of these with only a share
of the real images. Every arm takes at most the same number of steps of the same batch size, so that more images never
mean longer training, and starts from the same weights for the same seed. All arms stop early, and keep their best
state, by the real *calibration* images, which no arm trains on; all are tested on the real test images.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from craft.core.images import read_images
from craft.core.seeds import derive_seed
from craft.core.settings import REAL, match_files
from craft.evaluation.downstream.classifier import (
    LabelledImages,
    Preprocessing,
    TrainingSet,
    predict,
    train_classifier,
)
from craft.evaluation.downstream.results import COLUMNS
from craft.evaluation.downstream.settings import DownstreamJob, DownstreamSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arm:
    """What a classifier is trained on.

    Attributes:
        share: of the real training images; 0 for none.
        method: whose synthetic images are used, or None.
        ratio: synthetic images for every real one within a batch.
    """

    share: float = 0.0
    method: str | None = None
    ratio: float = 1.0

    @property
    def name(self) -> str:
        """`real`, `real@0.1`, `craft`, `real+craft`, `real+craft@2`, `real@0.1+craft`: only what differs is written."""
        real = [] if not self.share else [REAL if self.share == 1 else f"{REAL}@{self.share:g}"]
        synthetic = [] if not self.method else [self.method if self.ratio == 1 else f"{self.method}@{self.ratio:g}"]
        return "+".join(real + synthetic)


def list_arms(methods: list[str], downstream: DownstreamSettings) -> Iterator[Arm]:
    """Real images, every method's, both in every ratio, then every share of the real images alone and with a method."""
    yield Arm(1.0)
    for method in methods:
        yield Arm(method=method)
    for method in methods:
        yield from (Arm(1.0, method, ratio) for ratio in downstream.ratios)
    for share in downstream.real_shares:
        yield Arm(share)
        yield from (Arm(share, method) for method in downstream.low_data_methods or methods)


def read_pools(
    job: DownstreamJob, generated: list[Path], preprocessing: Preprocessing
) -> dict[tuple[str, int], LabelledImages]:
    """Synthetic images by method and generator seed, of those seeds that are used, decoded once for all arms."""
    seeds, pools = job.seeds[: len(job.downstream.seeds)], {}
    for each, path in match_files(job.generated, generated, "--generated"):
        if each.seed in seeds:
            frame = read_images(path)
            pools[each.method, each.seed] = LabelledImages.from_table(frame, job.labels, path, preprocessing)
    return pools


def compare_arms(job: DownstreamJob, images: Path, generated: list[Path], device: str = "cpu") -> pd.DataFrame:
    """Train every arm with every classifier seed and predict the real test images.

    Classifier seed number i is paired with generator seed number i (again from the first one when they run out).

    Args:
        job: dataset, labels, methods, generator seeds and classifier settings.
        images: image table of the dataset, with splits train, calibration and test.
        generated: image tables of the generated images, in the order of `job.generated`.
        device: where to train.

    Returns:
        Predictions, one row per arm, classifier seed and test image, columns
        `craft.evaluation.downstream.results.COLUMNS`.

    Raises:
        CraftError: if a table is missing, there is not one for every image set, or a table holds an unknown label.
    """
    downstream, labels = job.downstream, job.labels
    preprocessing = Preprocessing.of(downstream)
    train, validation, test = (
        LabelledImages.from_table(read_images(images, split), labels, images, preprocessing)
        for split in ("train", "calibration", "test")
    )
    real = train.limit(downstream.train_images_per_label, derive_seed(job.dataset))
    steps = max(2, math.ceil(downstream.epochs * len(real.ids) / downstream.batch))
    pools, frames = read_pools(job, generated, preprocessing), []
    trainings = [(arm, number) for arm in list_arms(job.methods, downstream) for number in range(len(downstream.seeds))]
    for arm, number in tqdm(trainings, desc="classifiers", disable=None):
        seed, generator_seed = downstream.seeds[number], job.seeds[number % len(job.seeds)]
        sets = [TrainingSet(real.share(arm.share, derive_seed(job.dataset, seed)))] if arm.share else []
        sets += [TrainingSet(pools[arm.method, generator_seed], arm.ratio)] if arm.method else []
        model = train_classifier(sets, validation, len(labels), steps, downstream, seed, device)
        frames.append(prediction_rows(job, arm.name, seed, test, predict(model, test.pixels)))
        accuracy = (frames[-1]["label"] == frames[-1]["predicted"]).mean()
        log.info("%s, %s, seed %d: accuracy %.3f", job.dataset, arm.name, seed, accuracy)
    return pd.concat(frames, ignore_index=True)


def prediction_rows(
    job: DownstreamJob, arm: str, seed: int, test: LabelledImages, probabilities: np.ndarray
) -> pd.DataFrame:
    """Predictions of one classifier as rows; `probabilities` has the shape (n, labels)."""
    names = np.array(job.labels, dtype=object)
    frame = pd.DataFrame(
        {
            "dataset": job.dataset,
            "method": arm,
            "seed": seed,
            "image_id": test.ids,
            "label": names[test.labels],
            "predicted": names[probabilities.argmax(axis=1)],
            "probabilities": list(probabilities.astype(float)),
        }
    )
    return frame[list(COLUMNS)]
