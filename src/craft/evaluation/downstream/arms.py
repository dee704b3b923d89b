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

from craft.core.config.base import REAL
from craft.core.config.evaluation import Downstream
from craft.core.images import read_images
from craft.core.seeds import derive_seed
from craft.core.settings import DownstreamSettings
from craft.evaluation.downstream.classifier import Images, Preprocessing, Source, predict, train_classifier
from craft.evaluation.results import PREDICTION_COLUMNS, run_file

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


def list_arms(methods: list[str], spec: Downstream) -> Iterator[Arm]:
    """Real images, every method's, both in every ratio, then every share of the real images alone and with a method."""
    yield Arm(1.0)
    for method in methods:
        yield Arm(method=method)
    for method in methods:
        yield from (Arm(1.0, method, ratio) for ratio in spec.ratios)
    for share in spec.real_shares:
        yield Arm(share)
        yield from (Arm(share, method) for method in spec.low_data_methods or methods)


def read_pools(
    settings: DownstreamSettings, folder: Path, preprocessing: Preprocessing
) -> dict[tuple[str, int], Images]:
    """Synthetic images of every method and generator seed that is used, decoded once for all arms."""
    pools = {}
    for method in settings.methods:
        for seed in settings.seeds[: len(settings.spec.seeds)]:
            path = Path(folder).parent / run_file(Path(folder).name, method, seed, "images.parquet")
            pools[method, seed] = Images.from_table(read_images(path), settings.labels, path, preprocessing)
    return pools


def compare_arms(settings: DownstreamSettings, images: Path, folder: Path, device: str = "cpu") -> pd.DataFrame:
    """Train every arm with every classifier seed and predict the real test images.

    Classifier seed number i is paired with generator seed number i (again from the first one when they run out).

    Args:
        settings: dataset, labels, methods, generator seeds and classifier settings.
        images: image table of the dataset, with splits train, calibration and test.
        folder: results folder of the dataset; holds `<method>/seed<seed>/images.parquet`.
        device: where to train.

    Returns:
        Predictions, one row per arm, classifier seed and test image.
    """
    spec, labels = settings.spec, settings.labels
    preprocessing = Preprocessing.of(spec)
    train, validation, test = (
        Images.from_table(read_images(images, split), labels, images, preprocessing)
        for split in ("train", "calibration", "test")
    )
    real = train.limit(spec.train_images_per_label, derive_seed(settings.dataset))
    steps = max(2, math.ceil(spec.epochs * len(real.ids) / spec.batch))
    pools, frames = read_pools(settings, folder, preprocessing), []
    jobs = [(arm, index) for arm in list_arms(settings.methods, spec) for index in range(len(spec.seeds))]
    for arm, index in tqdm(jobs, desc="classifiers", disable=None):
        seed, generator_seed = spec.seeds[index], settings.seeds[index % len(settings.seeds)]
        sources = [Source(real.share(arm.share, derive_seed(settings.dataset, seed)))] if arm.share else []
        sources += [Source(pools[arm.method, generator_seed], arm.ratio)] if arm.method else []
        model = train_classifier(sources, validation, len(labels), steps, spec, seed, device)
        frames.append(prediction_rows(settings, arm.name, seed, test, predict(model, test.pixels)))
        accuracy = (frames[-1]["label"] == frames[-1]["predicted"]).mean()
        log.info("%s, %s, seed %d: accuracy %.3f", settings.dataset, arm.name, seed, accuracy)
    return pd.concat(frames, ignore_index=True)


def prediction_rows(
    settings: DownstreamSettings, arm: str, seed: int, test: Images, probabilities: np.ndarray
) -> pd.DataFrame:
    """Predictions of one classifier as rows."""
    names = np.array(settings.labels, dtype=object)
    frame = pd.DataFrame(
        {
            "dataset": settings.dataset,
            "method": arm,
            "seed": seed,
            "image_id": test.ids,
            "label": names[test.labels],
            "predicted": names[probabilities.argmax(axis=1)],
            "probabilities": list(probabilities.astype(float)),
        }
    )
    return frame[list(PREDICTION_COLUMNS)]
