"""Training of a small Stable-Diffusion-shaped foundation from nothing, in three stages.

1. an autoencoder on all training images;
2. a text encoder, as the text tower of a throw-away CLIP (Stable Diffusion takes OpenAI's CLIP in the same way);
3. a UNet that sees *coarse* captions only: it learns what each modality looks like and nothing of its pathology.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from craft.core.config.methods import Training
from craft.core.config.models import EvaluatorTraining, FoundationTraining
from craft.core.seeds import derive_seed, numpy_generator, torch_generator
from craft.models.families import build_scheduler, build_unet
from craft.models.foundation import Foundation
from craft.models.tokenizer import train_tokenizer
from craft.training.autoencoder import train_autoencoder
from craft.training.corpus import Corpus, draw_rows
from craft.training.denoising import denoising_loss
from craft.training.evaluator import train_evaluator
from craft.training.loop import Observer, fit


def train_text_encoder(
    training: FoundationTraining, corpus: Corpus, resolution: int, tokenizer, checkpoints: Path, device: str
):
    """The text tower of a small CLIP trained on detailed captions; its vision tower is thrown away."""
    from transformers import CLIPTextModel

    steps = training.text_steps
    clip = EvaluatorTraining(
        family="clip_resnet", seed=training.seed, width=training.text_width, steps=steps, image_steps=steps // 2
    )
    evaluator, _ = train_evaluator(clip, corpus, resolution, checkpoints, device, tokenizer)
    encoder = CLIPTextModel(evaluator.model.config.text_config)
    encoder.load_state_dict(evaluator.model.text_model.state_dict())
    return encoder


class WeightAverage(Observer):
    """An exponential mean of the weights, which samples better than the last ones."""

    def __init__(self, parameters: list[nn.Parameter]):
        from diffusers.training_utils import EMAModel

        self.average = EMAModel(parameters, decay=0.999, use_ema_warmup=True, power=0.75)
        self.parameters = parameters

    def look(self, history: list[dict]) -> None:
        if history[-1]["step"]:
            self.average.step(self.parameters)

    def tensors(self) -> dict[str, Tensor]:
        shadow = {str(index): tensor for index, tensor in enumerate(self.average.shadow_params)}
        return shadow | {"steps": torch.tensor(self.average.optimization_step)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        self.average.optimization_step = int(tensors.pop("steps"))
        self.average.shadow_params = [tensors[str(index)] for index in range(len(tensors))]


def train_unet(training: FoundationTraining, foundation: Foundation, corpus: Corpus, checkpoints: Path) -> None:
    """Train the UNet on coarse captions with classifier-free dropout, in place; keeps the averaged weights."""
    unet, scheduler = foundation.unet.requires_grad_(True).train(), build_scheduler()
    chunks = np.array_split(np.arange(len(corpus)), max(1, len(corpus) // 256))
    latents = torch.cat([foundation.encode_images(corpus.tensor(rows)) for rows in chunks])

    def loss_at(step: int):
        generator, rng = torch_generator("unet", training.seed, step), numpy_generator("unet", training.seed, step)
        rows = draw_rows(len(corpus), training.unet_batch, generator)
        captions = ["" if rng.random() < training.caption_dropout else corpus.coarse_caption(row, rng) for row in rows]
        states = foundation.encode_prompts(captions)
        return denoising_loss(unet, scheduler, latents[rows].to(foundation.device), states, generator), {}

    schedule = Training(
        steps=training.unet_steps,
        batch=training.unet_batch,
        learning_rate=training.unet_learning_rate,
        warmup_steps=training.unet_steps // 20,
        checkpoint_every=500,
    )
    average = WeightAverage(list(unet.parameters()))
    fit(average.parameters, schedule, loss_at, checkpoints, average, weight_decay=1e-2)
    average.average.copy_to(average.parameters)
    unet.requires_grad_(False).eval()


def train_foundation(
    training: FoundationTraining, corpus: Corpus, resolution: int, checkpoints: Path, device: str = "cpu"
) -> Foundation:
    """Train all three stages and return the foundation; every stage resumes from its own checkpoints."""
    vae = train_autoencoder(training, corpus, resolution, checkpoints / "autoencoder", device)
    tokenizer = train_tokenizer(corpus.texts())
    text_encoder = train_text_encoder(training, corpus, resolution, tokenizer, checkpoints / "text", device)
    foundation = assemble(training, vae, text_encoder, tokenizer, resolution, device)
    train_unet(training, foundation, corpus, checkpoints / "unet")
    return foundation


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
