"""Synthetic images of one method, and real ones sent through the autoencoder, as rows of an image table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd
import torch
from torch import Tensor

from craft.core.images import from_tensor, image_row, stream_pixels, to_tensor
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.models.metering import peak_memory_mb
from craft.training.methods.base import MethodFiles
from craft.training.prompts import draw_prompts
from craft.training.results import COST_COLUMNS
from craft.training.sampler import generate_batches
from craft.training.settings import GenerationJob


@dataclass(frozen=True)
class Wanted:
    """What is asked of a method: n images, labels after each other.

    The noise of image i depends on the dataset, the seed and i alone, so methods are compared on equal noise.

    Attributes:
        labels: label keys.
        prompts: one for each.
        noise: standard normal, shape (n, channels, height, width).
    """

    labels: list[str]
    prompts: list[str]
    noise: Tensor

    @classmethod
    def draw(cls, foundation: Foundation, job: GenerationJob, knowledge: Knowledge) -> Self:
        """At least `images_per_dataset` images, the same number of every label."""
        per_label = -(-job.generation.images_per_dataset // len(knowledge.labels))
        labels = [label for label in knowledge.labels for _ in range(per_label)]
        name = (job.dataset, job.seed)
        noise = Draws("noise", *name).normal(len(labels), *foundation.latent_shape)
        return cls(labels, draw_prompts(knowledge, labels, job.prompts, Draws("prompts", *name)), noise)

    def rows(self, job: GenerationJob, batches: Iterable[Tensor]) -> Iterator[dict]:
        """Rows of an image table, of batches of images (n, 3, h, w) in [0, 1] as they come."""
        origin = f"generated:{job.dataset}/{job.method}/seed{job.seed}"
        images = (image for batch in batches for image in from_tensor(batch))
        for index, (image, label, prompt) in enumerate(zip(images, self.labels, self.prompts, strict=True)):
            row = image_row(image, label=label, split="generated", origin=origin, caption=prompt)
            yield row | {"image_id": f"{index:06d}"}


def sample_images(
    job: GenerationJob, knowledge: Knowledge, files: MethodFiles, device: str
) -> tuple[Foundation, Iterable[dict]]:
    """The foundation that makes the images of one method and seed, and these as rows of an image table.

    An image is made when its row is read.

    Args:
        job: which adapter, prompts, seed and how many.
        knowledge: labels and prompts of the dataset.
        files: of the dataset, where the method chooses among its images.
        device: `cpu` or a GPU.

    Raises:
        CraftError: if foundation or adapter cannot be loaded.
    """
    foundation = Foundation.load(job.foundation.path, job.adapter, device, job.resolution, **job.foundation.hub)
    if job.selection:
        return foundation, job.selection.choose(foundation, job, knowledge, files, device)
    return foundation, generate_table(foundation, job, knowledge)


def generate_table(foundation: Foundation, job: GenerationJob, knowledge: Knowledge) -> Iterator[dict]:
    """The images that are wanted of a method, each sampled once, as rows of an image table, a batch at a time."""
    wanted = Wanted.draw(foundation, job, knowledge)
    batches = generate_batches(foundation, wanted.prompts, wanted.noise, job.sampling, job.generation.batch)
    return wanted.rows(job, batches)


def cost_table(foundation: Foundation, job: GenerationJob, count: int) -> pd.DataFrame:
    """What sampling `count` images took since the foundation was loaded: one row, columns `COST_COLUMNS`."""
    place = {"dataset": job.dataset, "method": job.method, "seed": job.seed, "images": count}
    row = place | foundation.meter.read() | {"peak_memory_mb": peak_memory_mb()}
    return pd.DataFrame([row])[list(COST_COLUMNS)]


def encode_table(foundation: Foundation, images: Path, batch: int = 64) -> tuple[list[str], Tensor]:
    """Ids of the training images of a table, n of them, and their scaled latents (n, channels, height, width).

    Args:
        foundation: whose autoencoder is used.
        images: image table.
        batch: images that are encoded at a time.
    """
    ids, latents = [], []
    for frame, pixels in stream_pixels(images, "train"):
        ids += frame["image_id"].to_list()
        latents.append(foundation.encode_images(to_tensor(pixels), batch))
    return ids, torch.cat(latents)


def decode_table(foundation: Foundation, images: Path, batch: int = 64) -> Iterator[dict]:
    """Real test images as the autoencoder gives them back: what the decoder alone costs, whoever generates.

    Args:
        foundation: whose autoencoder is used.
        images: image table; the patients' ids stay behind.
        batch: images that are encoded and decoded at a time.
    """
    index = 0
    for frame, pixels in stream_pixels(images, "test"):
        decoded = from_tensor(foundation.reconstruct(to_tensor(pixels), batch))
        for image, label, name in zip(decoded, frame["label"], frame["image_id"], strict=True):
            row = image_row(image, label=label, split="generated", origin=f"decoded:{name}")
            yield row | {"image_id": f"{index:06d}"}
            index += 1
