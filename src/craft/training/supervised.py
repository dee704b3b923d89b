"""Supervised adaptation: a LoRA adapter trained with the denoising loss on a dataset's training images."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from craft.core.rows import read_rows
from craft.core.seeds import Draws, derive_seed
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.training.denoising import denoising_loss
from craft.training.loop import LossAt, fit
from craft.training.methods.supervised import SupervisedMethod
from craft.training.parts import Part
from craft.training.prompts import all_prompts, draw_prompts

if TYPE_CHECKING:
    import pandas as pd


class RealImages:
    """Latents of real training images with labels, drawn in label-balanced batches.

    Args:
        latents: scaled latents, shape (n, channels, height, width).
        labels: their label keys, length n.
    """

    def __init__(self, latents: Tensor, labels: list[str]):
        self.latents = latents
        self.names = list(dict.fromkeys(labels))
        self.rows = {name: torch.tensor([i for i, label in enumerate(labels) if label == name]) for name in self.names}

    @classmethod
    def load(cls, latents: Path, frame: "pd.DataFrame") -> Self:
        """Read the latents of images by their ids.

        Args:
            latents: the latent file of the dataset.
            frame: rows of its image table, with the columns image_id and label.

        Raises:
            CraftError: if the file is missing or lacks an image.
        """
        ids, labels = frame["image_id"].tolist(), frame["label"].tolist()
        return cls(read_rows(latents, "latents", ids, again="encode_images"), labels)

    def draw(self, count: int, draws: Draws) -> tuple[Tensor, list[str]]:
        """`count` latents with their label keys, every label equally likely."""
        labels = [self.names[index] for index in draws.integers(len(self.names), count).tolist()]
        places = zip(labels, draws.uniform(count).tolist(), strict=True)
        rows = [int(self.rows[label][int(place * len(self.rows[label]))]) for label, place in places]
        return self.latents[rows], labels


def denoise_real(
    foundation: Foundation,
    images: RealImages,
    knowledge: Knowledge,
    style: str,
    count: int,
    dropout: float,
    draws: Draws,
    min_snr_gamma: float | None = None,
) -> Tensor:
    """Denoising loss on `count` real training images under their prompts, a share of them empty."""
    latents, labels = images.draw(count, draws)
    prompts = draw_prompts(knowledge, labels, style, draws)
    dropped = draws.uniform(count) < dropout
    prompts = ["" if drop else prompt for prompt, drop in zip(prompts, dropped.tolist(), strict=True)]
    states = foundation.encode_prompts(prompts)
    scheduler = foundation.pipeline.scheduler
    return denoising_loss(foundation.unet, scheduler, latents.to(foundation.device), states, draws, min_snr_gamma)


def train_supervised(
    foundation: Foundation,
    settings: SupervisedMethod,
    images: RealImages,
    knowledge: Knowledge,
    seed: str,
    folder: Path,
) -> list[dict]:
    """Train a fresh adapter on `foundation`, in place; returns the history, one dictionary per step.

    Args:
        foundation: the pretrained model.
        settings: adapter, loss and training.
        images: real training images.
        knowledge: the modality's knowledge.
        seed: names the random draws.
        folder: of the checkpoints and event files.
    """
    torch.manual_seed(derive_seed("adapter", seed))
    loop, lora, compute = settings.training, settings.lora, settings.compute
    parameters = foundation.add_adapter(**dict(lora))
    foundation.prepare(compute.checkpointing, compute.compile)
    if not lora.text_encoder:
        foundation.remember_prompts(all_prompts(knowledge))

    loss_at = make_denoising_loss(foundation, settings, images, knowledge, seed)
    return fit(parameters, loop, loss_at, folder, precision=compute.precision, events=folder)[1:]


def make_denoising_loss(
    foundation: Foundation, settings: SupervisedMethod, images: RealImages, knowledge: Knowledge, seed: str
) -> LossAt:
    """The denoising loss of a step."""

    def loss_at(part: Part) -> tuple[Tensor, dict[str, float]]:
        draws, batch = part.draws("supervised", seed), settings.training.batch
        arguments = (settings.prompts, batch, settings.prompt_dropout, draws, settings.min_snr_gamma)
        return denoise_real(foundation, images, knowledge, *arguments), {}

    return loss_at
