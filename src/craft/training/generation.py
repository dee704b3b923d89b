"""Synthetic images of one method, and real ones sent through the autoencoder, as rows of an image table."""

from dataclasses import dataclass
from typing import Self

import pandas as pd
from torch import Tensor

from craft.core.images import decode_images, from_tensor, image_row, to_tensor
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.models.metering import peak_memory_mb
from craft.training.prompts import draw_prompts
from craft.training.results import COST_COLUMNS
from craft.training.sampler import generate
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

    def rows(self, job: GenerationJob, images: Tensor) -> list[dict]:
        """Rows of an image table; images (n, 3, h, w) in [0, 1]."""
        origin = f"generated:{job.dataset}/{job.method}/seed{job.seed}"
        rows = [
            image_row(image, label=label, split="generated", origin=origin, caption=prompt)
            for image, label, prompt in zip(from_tensor(images), self.labels, self.prompts, strict=True)
        ]
        return [row | {"image_id": f"{index:06d}"} for index, row in enumerate(rows)]


def generate_table(foundation: Foundation, job: GenerationJob, knowledge: Knowledge) -> list[dict]:
    """The images that are wanted of a method, each sampled once, as rows of an image table."""
    wanted = Wanted.draw(foundation, job, knowledge)
    images = generate(foundation, wanted.prompts, wanted.noise, job.sampling, job.generation.batch)
    return wanted.rows(job, images)


def cost_table(foundation: Foundation, job: GenerationJob, count: int) -> pd.DataFrame:
    """What sampling `count` images took since the foundation was loaded: one row, columns `COST_COLUMNS`."""
    place = {"dataset": job.dataset, "method": job.method, "seed": job.seed, "images": count}
    row = place | foundation.meter.read() | {"peak_memory_mb": peak_memory_mb()}
    return pd.DataFrame([row])[list(COST_COLUMNS)]


def decode_table(foundation: Foundation, frame: pd.DataFrame) -> list[dict]:
    """Real images as the autoencoder gives them back: what the decoder alone costs, whoever generates.

    Args:
        foundation: whose autoencoder is used.
        frame: rows of an image table; the patients' ids stay behind.
    """
    images = from_tensor(foundation.reconstruct(to_tensor(decode_images(frame))))
    rows = [
        image_row(image, label=label, split="generated", origin=f"decoded:{name}")
        for image, label, name in zip(images, frame["label"], frame["image_id"], strict=True)
    ]
    return [row | {"image_id": f"{index:06d}"} for index, row in enumerate(rows)]
