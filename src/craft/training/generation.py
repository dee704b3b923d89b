"""Synthetic images of one method, and real ones sent through the autoencoder, as rows of an image table."""

import pandas as pd

from craft.core.images import decode_images, from_tensor, image_row, to_tensor
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.training.prompts import draw_prompts
from craft.training.sampler import generate
from craft.training.settings import GenerationJob


def generate_table(foundation: Foundation, job: GenerationJob, knowledge: Knowledge) -> list[dict]:
    """Sample at least `images_per_dataset` images, the same number of every label, labels after each other.

    The noise of image i depends on the dataset, the seed and i alone, so methods are compared on equal noise.
    """
    per_label = -(-job.generation.images_per_dataset // len(knowledge.labels))
    labels = [label for label in knowledge.labels for _ in range(per_label)]
    name = (job.dataset, job.seed)
    noise = Draws("noise", *name).normal(len(labels), *foundation.latent_shape)
    prompts = draw_prompts(knowledge, labels, job.prompts, Draws("prompts", *name))
    images = from_tensor(generate(foundation, prompts, noise, job.sampling, job.generation.batch))
    origin = f"generated:{job.dataset}/{job.method}/seed{job.seed}"
    rows = [
        image_row(image, label=label, split="generated", origin=origin, caption=prompt)
        for image, label, prompt in zip(images, labels, prompts, strict=True)
    ]
    return [row | {"image_id": f"{index:06d}"} for index, row in enumerate(rows)]


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
