"""The downstream classifier that is a network: its pixels, its training with early stopping, and its predictions."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModelForImageClassification, ResNetConfig, ResNetForImageClassification
from transformers.image_processing_base import ImageProcessingMixin

from craft.core.errors import CraftError
from craft.core.images import read_texts, stream_pixels, to_tensor
from craft.core.seeds import derive_seed, numpy_generator
from craft.evaluation.downstream.sets import LabelledImages, TrainingSet, label_indices
from craft.evaluation.downstream.settings import DownstreamSettings

# largest shift of an augmented image, pixels
SHIFT = 4


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects of its images: their side in pixels, and mean and standard deviation of the channels."""

    size: int
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    @classmethod
    def of(cls, size: int, source: str | None) -> Self:
        """That of an image model, as far as its folder says, at a size in pixels."""
        if source is None:
            return cls(size)
        try:
            found, _ = ImageProcessingMixin.get_image_processor_dict(source)
        except (OSError, ValueError):
            return cls(size)
        return cls(size, **{key: tuple(found[f"image_{key}"]) for key in ("mean", "std") if f"image_{key}" in found})

    def apply(self, images: np.ndarray) -> torch.Tensor:
        """Float tensor (n, 3, size, size) of uint8 images (n, h, w, 3)."""
        pixels = to_tensor(images)
        if pixels.shape[-1] != self.size or pixels.shape[-2] != self.size:
            size = (self.size, self.size)
            pixels = functional.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        return (pixels - mean) / std


@dataclass(frozen=True)
class Network:
    """A network that is trained on pixels.

    Attributes:
        name: in tables.
        labels: of the dataset, in order.
        downstream: size of the images and settings of the training.
        source: hub id or folder of the image model that is finetuned; None for a small network from scratch.
        device: where it is trained.
    """

    name: str
    labels: list[str]
    downstream: DownstreamSettings
    source: str | None = None
    device: str = "cpu"
    seeded: ClassVar[bool] = True

    def read(self, images: Path, features: Path, split: str | None = None) -> LabelledImages:
        """The images of a table, or of one split of it, as pixels, shape (n, 3, size, size).

        Raises:
            CraftError: if the table is missing or a label is unknown.
        """
        frame = read_texts(images, split)
        labels = label_indices(frame, self.labels, images)
        preprocessing = Preprocessing.of(self.downstream.image_size, self.source)
        pixels = torch.cat([preprocessing.apply(part) for _, part in stream_pixels(images, split)])
        return LabelledImages(frame["image_id"].to_list(), pixels, labels)

    def classify(
        self, sets: list[TrainingSet], validation: LabelledImages, test: LabelledImages, epoch: int, seed: int
    ) -> np.ndarray:
        """Train, keep the state that validation images like best, and tell the labels of test images.

        Returns:
            Probabilities, shape (n, labels).
        """
        steps = max(2, math.ceil(self.downstream.epochs * epoch / self.downstream.batch))
        count, settings = len(self.labels), self.downstream
        model = train_classifier(sets, validation, count, steps, settings, seed, self.source, self.device)
        return predict(model, test.inputs)


def augment(pixels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Flip every image left to right with probability one half, then shift it by up to `SHIFT` pixels each way."""
    count, _, height, width = pixels.shape
    flipped = torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None]
    pixels = torch.where(flipped.to(pixels.device), pixels.flip(-1), pixels)
    padded = functional.pad(pixels, (SHIFT,) * 4, mode="replicate")
    top, left = rng.integers(2 * SHIFT + 1, size=(2, count))
    crops = [padded[i, :, top[i] : top[i] + height, left[i] : left[i] + width] for i in range(count)]
    # the layout in which convolutions are fastest on a CPU
    return torch.stack(crops).contiguous(memory_format=torch.channels_last)


def divide_batch(weights: list[float], size: int) -> list[int]:
    """How many images of a batch each training set gives: in proportion to the weights, and at least one each."""
    edges = np.ceil(size * np.cumsum(weights) / np.sum(weights)).astype(int)
    return [max(1, int(count)) for count in np.diff(edges, prepend=0)]


def draw_batch(sets: list[TrainingSet], size: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A class-balanced, augmented batch to which every training set gives images in proportion to its weight.

    Returns:
        Pixels of shape (n, 3, height, width) and the indices of their labels, shape (n,); n is `size`, more
        where a set would give no image otherwise.
    """
    shares = divide_batch([each.weight for each in sets], size)
    picks = [each.images.sample(share, rng) for each, share in zip(sets, shares, strict=True)]
    pixels = torch.cat([each.images.inputs[pick] for each, pick in zip(sets, picks, strict=True)])
    labels = np.concatenate([each.images.labels[pick] for each, pick in zip(sets, picks, strict=True)])
    return augment(pixels, rng), torch.from_numpy(labels).to(pixels.device)


def build_classifier(labels: int, seed: int, source: str | None = None) -> nn.Module:
    """A classifier whose new weights are drawn by seed.

    Args:
        labels: number of labels.
        seed: of the weights that are not read.
        source: hub id or folder of a `transformers` image model, whose head is replaced; None for a residual network
            of three basic stages, about 0.1 M parameters, that is trained from scratch.

    Raises:
        CraftError: if the image model cannot be loaded.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("classifier", seed))
        if source is None:
            sizes = {"embedding_size": 16, "hidden_sizes": [16, 32, 64], "depths": [1, 1, 1], "layer_type": "basic"}
            model = ResNetForImageClassification(ResNetConfig(**sizes, num_labels=labels))
            return model.to(memory_format=torch.channels_last)
        try:
            return AutoModelForImageClassification.from_pretrained(
                source,
                num_labels=labels,
                ignore_mismatched_sizes=True,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError) as error:
            raise CraftError(
                f"downstream.backbones names {source!r}, from which no image classifier can be loaded:"
                f" {str(error).splitlines()[0]}"
            ) from error


def balanced_loss(model: nn.Module, images: LabelledImages, labels: int) -> float:
    """Mean cross-entropy of images, every label weighing the same."""
    own = predict(model, images.inputs)[np.arange(len(images.labels)), images.labels]
    weights = 1.0 / np.bincount(images.labels, minlength=labels)[images.labels]
    return float(np.average(-np.log(own.clip(1e-12)), weights=weights))


def train_classifier(
    sets: list[TrainingSet],
    validation: LabelledImages,
    labels: int,
    steps: int,
    downstream: DownstreamSettings,
    seed: int,
    source: str | None = None,
    device: str = "cpu",
) -> nn.Module:
    """Train a classifier and leave it in the state with the smallest loss on real validation images.

    Args:
        sets: training images and their weights within a batch.
        validation: real images that are neither trained on nor tested on.
        labels: number of labels.
        steps: most steps; `patience` validations without improvement end the training earlier. Validations lie in its
            second half, since the loss means little while the learning rate is still at its height.
        downstream: learning rate, batch, validations and patience.
        seed: of the first weights and the batches.
        source: image model that is finetuned; None for one from scratch.
        device: where to train.
    """
    model = build_classifier(labels, seed, source).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=downstream.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=downstream.learning_rate, total_steps=steps)
    rng = numpy_generator("classifier batches", seed)
    validated = validation_steps(steps, downstream.validations)
    best, lowest, stale = model.state_dict(), math.inf, 0
    for step in range(1, steps + 1):
        pixels, targets = draw_batch(sets, downstream.batch, rng)
        loss = functional.cross_entropy(model(pixels.to(device)).logits, targets.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step in validated:
            found = balanced_loss(model.eval(), validation, labels)
            model.train()
            if found < lowest:
                best, lowest, stale = {key: value.clone() for key, value in model.state_dict().items()}, found, 0
            else:
                stale += 1
            if stale == downstream.patience:
                break
    model.load_state_dict(best)
    return model.eval()


def validation_steps(steps: int, validations: int) -> set[int]:
    """After which of the steps 1 to `steps` the loss on validation images is taken: evenly, in the second half."""
    return set(np.linspace(steps / 2, steps, validations + 1).round().astype(int)[1:].tolist())


@torch.no_grad()
def predict(model: nn.Module, pixels: torch.Tensor, batch: int = 256) -> np.ndarray:
    """Probabilities of shape (n, labels)."""
    device = next(model.parameters()).device
    chunks = [model(chunk.to(device)).logits.softmax(dim=1).cpu() for chunk in pixels.split(batch)]
    return torch.cat(chunks).numpy()
