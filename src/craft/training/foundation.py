"""Training of a small Stable-Diffusion-shaped foundation, in three stages; a foundation to start from spares two.

1. an autoencoder on all training images;
2. a text encoder, as the text tower of a throw-away CLIP (Stable Diffusion takes OpenAI's CLIP in the same way);
3. a UNet that sees *coarse* captions only: it learns what each modality looks like, to follow words about its anatomy,
   and nothing of its pathology.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from craft.core.errors import CraftError
from craft.core.seeds import derive_seed, numpy_generator
from craft.models.architectures import build_scheduler, build_unet
from craft.models.foundation import Foundation
from craft.models.growth import deepen
from craft.models.settings import EvaluatorTraining, FoundationTraining, ModelRef
from craft.models.tokenizer import train_tokenizer
from craft.training.autoencoder import train_autoencoder
from craft.training.corpus import Corpus
from craft.training.denoising import denoising_loss
from craft.training.evaluator import train_evaluator
from craft.training.loop import fit, training_seconds
from craft.training.parts import Part
from craft.training.settings import TEXT_FAMILY, LoopSettings


def train_text_encoder(
    training: FoundationTraining, corpus: Corpus, resolution: int, tokenizer, checkpoints: Path, device: str
) -> tuple[nn.Module, float]:
    """The text tower of a small CLIP trained on detailed captions, in so many seconds; its vision tower is dropped."""
    from transformers import CLIPTextModel

    steps = training.text_steps
    clip = EvaluatorTraining(
        family=TEXT_FAMILY, seed=training.seed, width=training.text_width, steps=steps, image_steps=steps // 2
    )
    evaluator, metrics = train_evaluator(clip, corpus, resolution, checkpoints, device, tokenizer)
    encoder = CLIPTextModel(evaluator.model.config.text_config)
    encoder.load_state_dict(evaluator.model.text_model.state_dict())
    return encoder, metrics["training_seconds"]


def train_unet(training: FoundationTraining, foundation: Foundation, corpus: Corpus, checkpoints: Path) -> float:
    """Train the UNet on coarse captions with classifier-free dropout, in place; keeps the averaged weights.

    Returns:
        The seconds that it took.
    """
    unet, scheduler = foundation.unet.requires_grad_(True).train(), foundation.noise_schedule
    chunks = np.array_split(np.arange(len(corpus)), max(1, len(corpus) // 256))
    latents = torch.cat([foundation.encode_images(corpus.tensor(rows)) for rows in chunks])

    def loss_at(part: Part):
        draws, places = part.draws("unet", training.seed), part.places(training.unet_batch).tolist()
        rows = draws.integers(len(corpus), training.unet_batch).numpy()
        captions = []
        for row, place in zip(rows, places, strict=True):
            rng = numpy_generator("unet", training.seed, part.step, place)
            captions.append("" if rng.random() < training.caption_dropout else corpus.coarse_caption(row, rng))
        states = foundation.encode_prompts(captions)
        return denoising_loss(unet, scheduler, latents[rows].to(foundation.device), states, draws), {}

    schedule = LoopSettings.from_scratch(
        training.unet_steps,
        training.unet_batch,
        training.unet_learning_rate,
        optimizer=training.optimizer,
        ema=0.999,
        checkpoint_every=250,
    )
    history = fit(list(unet.parameters()), schedule, loss_at, checkpoints, weight_decay=1e-2)
    unet.requires_grad_(False).eval()
    return training_seconds(history, schedule)


def train_foundation(
    training: FoundationTraining,
    corpus: Corpus,
    resolution: int,
    checkpoints: Path,
    device: str = "cpu",
    start: ModelRef | None = None,
) -> tuple[Foundation, dict[str, float]]:
    """Train all three stages, each of which resumes from its own checkpoints, or the last one of `start`.

    Returns:
        The foundation, and the seconds that each stage took.

    Raises:
        CraftError: if the foundation to start from cannot be loaded or makes images of another size.
    """
    if start:
        foundation = Foundation.load(start.path, device=device, **start.hub)
        check_size(foundation, start.path, resolution)
        if training.unet_layers:
            torch.manual_seed(derive_seed("unet", training.seed))
            foundation.pipeline.unet = deepen(foundation.unet, training.unet_layers)
            foundation = Foundation(foundation.pipeline, device)
        return foundation, {"seconds_unet": train_unet(training, foundation, corpus, checkpoints / "unet")}
    vae, autoencoder = train_autoencoder(training, corpus, resolution, checkpoints / "autoencoder", device)
    tokenizer = train_tokenizer(corpus.texts())
    text_encoder, text = train_text_encoder(training, corpus, resolution, tokenizer, checkpoints / "text", device)
    foundation = assemble(training, vae, text_encoder, tokenizer, resolution, device)
    unet = train_unet(training, foundation, corpus, checkpoints / "unet")
    return foundation, {"seconds_autoencoder": autoencoder, "seconds_text_encoder": text, "seconds_unet": unet}


def check_size(foundation: Foundation, path: str, resolution: int) -> None:
    """Refuse a foundation whose images are of another size than the run's."""
    size = foundation.latent_shape[1] * foundation.pipeline.vae_scale_factor
    if size != resolution:
        raise CraftError(
            f"foundation.train.start {path!r} makes images of {size} px, but the run's resolution is {resolution};"
            f" write `resolution: {size}` or start from another foundation"
        )


def assemble(training: FoundationTraining, vae, text_encoder, tokenizer, resolution: int, device: str) -> Foundation:
    """A pipeline of trained autoencoder and text encoder with an untrained UNet."""
    from diffusers import StableDiffusionPipeline

    torch.manual_seed(derive_seed("unet", training.seed))
    side = resolution // 2 ** (len(training.autoencoder_channels) - 1)
    unet = build_unet(training, side, training.latent_channels, training.text_width)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return Foundation(pipeline, device)
