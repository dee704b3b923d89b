"""Supervised adaptation: what a kind makes trainable, trained with the denoising loss on real training images."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch import Tensor, nn

from craft.core.rows import read_rows
from craft.core.seeds import Draws, derive_seed, numpy_generator
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.training.denoising import denoising_loss
from craft.training.loop import LossAt, Observer, fit
from craft.training.methods.denoising import DenoisingMethod
from craft.training.parts import Part
from craft.training.prompts import all_prompts, draw_prompts

if TYPE_CHECKING:
    import pandas as pd


class Further(Protocol):
    """A term of the loss beside that on real images.

    Attributes:
        prompts: that it needs beside those of the knowledge.
    """

    prompts: list[str]

    def __call__(self, draws: Draws) -> Tensor:
        """The term of a part of a step's batch."""


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


def choose_images(frame: "pd.DataFrame", per_label: int | None, *names: str | int) -> "pd.DataFrame":
    """A few images of every label, in the order of the table; all where a label has no more, or without a number.

    The same names give nested choices: more images hold all of fewer, whichever method asks.

    Args:
        frame: rows of an image table, with the column label.
        per_label: how many; None for all.
        names: seed the choice.
    """
    if per_label is None:
        return frame
    order = numpy_generator("images per label", *names).permutation(len(frame))
    return frame.iloc[order].groupby("label").head(per_label).sort_index()


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
    scheduler = foundation.noise_schedule
    return denoising_loss(foundation.unet, scheduler, latents.to(foundation.device), states, draws, min_snr_gamma)


def train_supervised(
    foundation: Foundation,
    settings: DenoisingMethod,
    images: RealImages,
    knowledge: Knowledge,
    seed: str,
    folder: Path,
    further: Further | None = None,
    observe: Callable[[list[nn.Parameter]], Observer] | None = None,
) -> list[dict]:
    """Train what the settings say of `foundation`, in place; returns the history, one dictionary per step.

    Where the training is observed, there is one for its start too.

    Args:
        foundation: the pretrained model, with what the method starts from.
        settings: what is trained, loss and training.
        images: real training images.
        knowledge: the modality's knowledge.
        seed: names the random draws.
        folder: of the checkpoints and event files.
        further: a term that is added to the loss.
        observe: the parameters that are trained -> what checks the training.
    """
    torch.manual_seed(derive_seed("adapter", seed))
    compute, parameters = settings.compute, settings.parameters(foundation, knowledge)
    foundation.prepare(compute.checkpointing, compute.compile)
    if not foundation.trains_text():
        others = further.prompts if further else []
        foundation.remember_prompts([*all_prompts(knowledge, settings.prompts), *others])
    loss_at = make_denoising_loss(foundation, settings, images, knowledge, seed, further)
    observer = observe(parameters) if observe else None
    shared = {"precision": compute.precision, "events": folder, "meter": foundation.meter}
    history = fit(parameters, settings.training, loss_at, folder, observer, **shared)
    return history if observe else history[1:]


def make_denoising_loss(
    foundation: Foundation,
    settings: DenoisingMethod,
    images: RealImages,
    knowledge: Knowledge,
    seed: str,
    further: Further | None = None,
) -> LossAt:
    """The denoising loss of a step, and the further term."""

    def loss_at(part: Part) -> tuple[Tensor, dict[str, float]]:
        draws, batch = part.draws("supervised", seed), settings.training.batch
        arguments = (settings.prompts, batch, settings.prompt_dropout, draws, settings.min_snr_gamma)
        loss = denoise_real(foundation, images, knowledge, *arguments)
        if further is None:
            return loss, {}
        term = further(draws)
        return loss + term, {"further": term.item()}

    return loss_at
