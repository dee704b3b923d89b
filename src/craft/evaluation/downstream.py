"""The downstream label classifier: is a synthetic training set of any use to a classifier of real images?

A small residual network is trained on three kinds of arm: real training images, a method's synthetic images, and both
one to one. Every arm takes the same number of steps with the same batch size, so that more images never mean longer
training, and starts from the same weights for the same seed. All arms are tested on the real test images.
"""

import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import ResNetConfig, ResNetForImageClassification

from craft.core.config.base import REAL
from craft.core.config.evaluation import Downstream
from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images, to_tensor
from craft.core.seeds import derive_seed, numpy_generator
from craft.core.settings import DownstreamSettings
from craft.evaluation.results import PREDICTION_COLUMNS, run_file

IMAGE_SIZE = 64
SHIFT = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Images:
    """Labelled pixels.

    Attributes:
        ids: image ids, n of them.
        pixels: float32 tensor of shape (n, 3, IMAGE_SIZE, IMAGE_SIZE), in [-1, 1].
        labels: index of every image's label, int64 array of shape (n,).
    """

    ids: list[str]
    pixels: torch.Tensor
    labels: np.ndarray

    @classmethod
    def from_table(cls, frame: pd.DataFrame, labels: list[str], path: Path) -> "Images":
        """Decode an image table.

        Raises:
            CraftError: if a row has a label that is not in `labels`.
        """
        if unknown := set(frame["label"]) - set(labels):
            raise CraftError(
                f"{path} holds the label {sorted(unknown)[0]!r}, which is not among the configured labels"
                f" ({', '.join(labels)}); run `snakemake {path} --force`"
            )
        pixels = to_tensor(decode_images(frame))
        if pixels.shape[-1] != IMAGE_SIZE:
            size = (IMAGE_SIZE, IMAGE_SIZE)
            pixels = functional.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
        return cls(frame["image_id"].to_list(), pixels * 2 - 1, frame["label"].map(labels.index).to_numpy())

    def limit(self, per_label: int | None, seed: int) -> "Images":
        """At most `per_label` images of every label, drawn by seed."""
        if per_label is None:
            return self
        order = numpy_generator("classifier images", seed).permutation(len(self.ids))
        kept = np.sort(np.concatenate([order[self.labels[order] == one][:per_label] for one in np.unique(self.labels)]))
        return Images([self.ids[index] for index in kept], self.pixels[kept], self.labels[kept])

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Indices of `count` images, drawn with replacement so that every label is equally likely; shape (count,)."""
        weights = 1.0 / np.bincount(self.labels)[self.labels]
        return rng.choice(len(self.ids), size=count, p=weights / weights.sum())


def augment(pixels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Flip every image left to right with probability one half, then shift it by up to `SHIFT` pixels each way."""
    count, _, height, width = pixels.shape
    flipped = torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None]
    pixels = torch.where(flipped.to(pixels.device), pixels.flip(-1), pixels)
    padded = functional.pad(pixels, (SHIFT,) * 4, mode="replicate")
    top, left = rng.integers(2 * SHIFT + 1, size=(2, count))
    crops = [padded[i, :, top[i] : top[i] + height, left[i] : left[i] + width] for i in range(count)]
    return torch.stack(crops)


def draw_batch(sources: list[Images], size: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A class-balanced, augmented batch to which every source gives the same share of images."""
    shares = [size // len(sources) + (index < size % len(sources)) for index in range(len(sources))]
    picks = [source.sample(share, rng) for source, share in zip(sources, shares, strict=True)]
    pixels = torch.cat([source.pixels[pick] for source, pick in zip(sources, picks, strict=True)])
    labels = np.concatenate([source.labels[pick] for source, pick in zip(sources, picks, strict=True)])
    return augment(pixels, rng), torch.from_numpy(labels).to(pixels.device)


def build_classifier(labels: int, seed: int) -> ResNetForImageClassification:
    """A residual network of three basic stages, about 0.1 M parameters, initialised by seed."""
    config = ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32, 64], depths=[1, 1, 1], layer_type="basic", num_labels=labels
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("classifier", seed))
        return ResNetForImageClassification(config).to(memory_format=torch.channels_last)


def train_classifier(
    sources: list[Images], labels: int, steps: int, spec: Downstream, seed: int, device: str = "cpu"
) -> ResNetForImageClassification:
    """Train a classifier on one or more sources of images, in equal shares, for a fixed number of steps."""
    model = build_classifier(labels, seed).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=spec.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=spec.learning_rate, total_steps=steps)
    rng = numpy_generator("classifier batches", seed)
    for _ in range(steps):
        pixels, targets = draw_batch(sources, spec.batch, rng)
        loss = functional.cross_entropy(model(pixels.to(device)).logits, targets.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def predict(model: ResNetForImageClassification, pixels: torch.Tensor, batch: int = 256) -> np.ndarray:
    """Probabilities of shape (n, labels)."""
    chunks = [model(chunk.to(model.device)).logits.softmax(dim=1).cpu() for chunk in pixels.split(batch)]
    return torch.cat(chunks).numpy()


def list_arms(methods: list[str]) -> dict[str, tuple[str, ...]]:
    """Training arms by name, each with the sources it mixes: real, every method, real with every method."""
    synthetic = {method: (method,) for method in methods}
    mixed = {f"{REAL}+{method}": (REAL, method) for method in methods}
    return {REAL: (REAL,)} | synthetic | mixed


def compare_arms(settings: DownstreamSettings, images: Path, folder: Path, device: str = "cpu") -> pd.DataFrame:
    """Train every arm with every classifier seed and predict the real test images.

    Classifier seed number i is paired with generator seed number i (again from the first one when they run out).

    Args:
        settings: dataset, labels, methods, generator seeds and classifier settings.
        images: image table of the dataset, with splits train and test.
        folder: results folder of the dataset; holds `<method>/seed<seed>/images.parquet`.
        device: where to train.

    Returns:
        Predictions, one row per arm, classifier seed and test image.
    """
    spec, labels = settings.spec, settings.labels
    real = Images.from_table(read_images(images, "train"), labels, images)
    test = Images.from_table(read_images(images, "test"), labels, images)
    real = real.limit(spec.train_images_per_label, derive_seed(settings.dataset))
    steps = max(2, math.ceil(spec.epochs * len(real.ids) / spec.batch))
    pools = {(REAL, seed): real for seed in settings.seeds}
    for method in settings.methods:
        for seed in settings.seeds[: len(spec.seeds)]:
            path = Path(folder).parent / run_file(Path(folder).name, method, seed, "images.parquet")
            pools[method, seed] = Images.from_table(read_images(path), labels, path)
    frames = []
    arms = [(arm, index) for arm in list_arms(settings.methods) for index in range(len(spec.seeds))]
    for arm, index in tqdm(arms, desc="classifiers", disable=None):
        seed, generator_seed = spec.seeds[index], settings.seeds[index % len(settings.seeds)]
        sources = [pools[source, generator_seed] for source in list_arms(settings.methods)[arm]]
        model = train_classifier(sources, len(labels), steps, spec, seed, device)
        frames.append(prediction_rows(settings, arm, seed, test, predict(model, test.pixels)))
        accuracy = (frames[-1]["label"] == frames[-1]["predicted"]).mean()
        log.info("%s, %s, seed %d: accuracy %.3f", settings.dataset, arm, seed, accuracy)
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
