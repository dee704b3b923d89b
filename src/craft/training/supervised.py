"""Supervised adaptation: a LoRA adapter trained with the denoising loss on a dataset's training images."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from craft.core.config.methods import Supervised
from craft.core.errors import CraftError
from craft.core.seeds import Draws, derive_seed
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.training.denoising import denoising_loss
from craft.training.loop import fit
from craft.training.parts import Part
from craft.training.prompts import all_prompts, draw_prompts


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
    def load(cls, latents: Path, labels: list[str]) -> "RealImages":
        """Read the latent file of training images with these labels.

        Raises:
            CraftError: if file and labels differ in number.
        """
        tensor = load_file(latents)["latents"]
        if len(tensor) != len(labels):
            raise CraftError(f"{latents} holds {len(tensor)} images, the table {len(labels)}; run encode_images again")
        return cls(tensor, labels)

    def draw(self, count: int, draws: Draws) -> tuple[Tensor, list[str]]:
        """`count` latents with their label keys, every label equally likely."""
        labels = [self.names[index] for index in draws.integers(len(self.names), count).tolist()]
        places = zip(labels, draws.uniform(count).tolist(), strict=True)
        rows = [int(self.rows[label][int(place * len(self.rows[label]))]) for label, place in places]
        return self.latents[rows], labels


def denoise_real(
    foundation: Foundation,
    images: RealImages,
    book: Knowledge,
    style: str,
    count: int,
    dropout: float,
    draws: Draws,
    min_snr_gamma: float | None = None,
) -> Tensor:
    """Denoising loss on `count` real training images under their prompts, a share of them empty."""
    latents, labels = images.draw(count, draws)
    prompts = draw_prompts(book, labels, style, draws)
    dropped = draws.uniform(count) < dropout
    prompts = ["" if drop else prompt for prompt, drop in zip(prompts, dropped.tolist(), strict=True)]
    states = foundation.encode_prompts(prompts)
    scheduler = foundation.pipeline.scheduler
    return denoising_loss(foundation.unet, scheduler, latents.to(foundation.device), states, draws, min_snr_gamma)


def train_supervised(
    foundation: Foundation, spec: Supervised, images: RealImages, book: Knowledge, seed: str, folder: Path
) -> list[dict]:
    """Train a fresh adapter on `foundation`, in place; returns the history.

    Args:
        foundation: the pretrained model.
        spec: adapter, loss and training.
        images: real training images.
        book: the modality's knowledge.
        seed: names the run's random draws.
        folder: of the run's checkpoints and event files.
    """
    torch.manual_seed(derive_seed("adapter", seed))
    parameters = foundation.add_adapter(spec.lora)
    foundation.prepare(spec.compute)
    if not spec.lora.text_encoder:
        foundation.remember_prompts(all_prompts(book))

    def loss_at(part: Part):
        draws, batch = part.draws("supervised", seed), spec.training.batch
        arguments = (spec.prompts, batch, spec.prompt_dropout, draws, spec.min_snr_gamma)
        return denoise_real(foundation, images, book, *arguments), {}

    return fit(parameters, spec.training, loss_at, folder, precision=spec.compute.precision, events=folder)[1:]
