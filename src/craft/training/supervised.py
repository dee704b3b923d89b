"""Supervised adaptation: a LoRA adapter trained with the denoising loss on a dataset's training images."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from craft.core.config.methods import Supervised
from craft.core.errors import CraftError
from craft.core.seeds import torch_generator
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.training.denoising import denoising_loss
from craft.training.loop import fit
from craft.training.prompts import draw_prompts


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

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, list[str]]:
        """`count` latents with their label keys, every label equally likely."""
        chosen = torch.randint(len(self.names), (count,), generator=generator).tolist()
        labels = [self.names[index] for index in chosen]
        draws = torch.rand(count, generator=generator).tolist()
        rows = [
            int(self.rows[label][int(draw * len(self.rows[label]))]) for label, draw in zip(labels, draws, strict=True)
        ]
        return self.latents[rows], labels


def denoise_real(
    foundation: Foundation,
    images: RealImages,
    book: Knowledge,
    style: str,
    count: int,
    dropout: float,
    generator: torch.Generator,
) -> Tensor:
    """Denoising loss on `count` real training images under their prompts, a share of them empty."""
    latents, labels = images.draw(count, generator)
    prompts = draw_prompts(book, labels, style, generator)
    dropped = torch.rand(count, generator=generator) < dropout
    prompts = ["" if drop else prompt for prompt, drop in zip(prompts, dropped.tolist(), strict=True)]
    states = foundation.encode_prompts(prompts)
    scheduler = foundation.pipeline.scheduler
    return denoising_loss(foundation.unet, scheduler, latents.to(foundation.device), states, generator)


def train_supervised(
    foundation: Foundation, spec: Supervised, images: RealImages, book: Knowledge, seed: str, checkpoints: Path
) -> list[dict]:
    """Train a fresh adapter on `foundation`, in place; returns the history."""
    torch.manual_seed(torch_generator("adapter", seed).initial_seed())
    parameters = foundation.add_adapter(spec.lora.rank, spec.lora.alpha, spec.lora.target_modules)

    def loss_at(step: int):
        generator = torch_generator("supervised", seed, step)
        loss = denoise_real(foundation, images, book, spec.prompts, spec.training.batch, spec.prompt_dropout, generator)
        return loss, {}

    return fit(parameters, spec.training, loss_at, checkpoints)[1:]
