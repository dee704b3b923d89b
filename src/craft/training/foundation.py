"""Training of a small Stable-Diffusion-shaped foundation from nothing, in three stages.

1. an autoencoder on all training images;
2. a text encoder, as the text tower of a throw-away CLIP (Stable Diffusion takes OpenAI's CLIP in the same way);
3. a UNet that sees *coarse* captions only: it learns what each modality looks like and nothing of its pathology.
"""

import logging

import numpy as np
import torch
import torch.nn.functional as F

from craft.core.config import EvaluatorTraining, FoundationTraining
from craft.core.progress import track
from craft.core.seeds import derive_seed, numpy_generator, torch_generator
from craft.models.families import build_autoencoder, build_scheduler, build_unet
from craft.models.foundation import Foundation
from craft.models.tokenizer import train_tokenizer
from craft.training.corpus import Corpus, batches
from craft.training.denoising import denoising_loss
from craft.training.evaluator import train_evaluator
from craft.training.optimizer import adamw_cosine

log = logging.getLogger(__name__)
KL_WEIGHT = 3e-5  # per latent value; enough to keep the latents near unit scale, too little to blur


def train_autoencoder(training: FoundationTraining, corpus: Corpus, resolution: int, device: str):
    """Train the autoencoder on mean squared error plus a weak KL term; sets its scaling factor to unit variance."""
    torch.manual_seed(derive_seed("autoencoder", training.seed))
    generator = torch_generator("autoencoder", "rows", training.seed)
    vae = build_autoencoder(training, resolution).to(device).train()
    with torch.no_grad():  # start almost without latent noise: otherwise the first hundreds of steps learn to shrink it
        vae.quant_conv.bias[training.latent_channels :] = -6.0
    steps = training.autoencoder_steps
    optimizer, schedule = adamw_cosine(vae, training.autoencoder_learning_rate, steps, weight_decay=1e-3)
    errors = []
    for step, rows in enumerate(
        track(batches(len(corpus), training.autoencoder_batch, steps, generator), "autoencoder", total=steps)
    ):
        images = corpus.tensor(rows).to(device) * 2 - 1
        posterior = vae.encode(images).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=generator).to(device)
        decoded = vae.decode(posterior.mean + posterior.std * noise).sample
        error = F.mse_loss(decoded, images)
        loss = error + KL_WEIGHT * posterior.kl().mean() / posterior.mean[0].numel()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        errors.append(error.item() / 4)  # images span two units here, one in the PSNR
        if step % 100 == 99:
            log.info("autoencoder step %d PSNR %.2f dB", step + 1, -10 * np.log10(np.mean(errors[-100:])))
    vae.requires_grad_(False).eval()
    sample = corpus.tensor(np.arange(0, len(corpus), max(1, len(corpus) // 256))).to(device)
    latents = vae.encode(sample * 2 - 1).latent_dist.mean
    vae.register_to_config(scaling_factor=round(float(1.0 / latents.std()), 5))
    return vae


def train_text_encoder(training: FoundationTraining, corpus: Corpus, resolution: int, tokenizer, device: str):
    """The text tower of a small CLIP trained on detailed captions; its vision tower is thrown away."""
    from transformers import CLIPTextModel

    clip = EvaluatorTraining(
        family="clip_vit", seed=training.seed, width=training.text_width, steps=training.text_steps
    )
    evaluator, _ = train_evaluator(clip, corpus, resolution, device, tokenizer)
    encoder = CLIPTextModel(evaluator.model.config.text_config)
    encoder.load_state_dict(evaluator.model.text_model.state_dict())
    return encoder


def train_unet(training: FoundationTraining, foundation: Foundation, corpus: Corpus) -> float:
    """Train the UNet on coarse captions with classifier-free dropout; keeps an exponential mean of the weights.

    Returns:
        The mean loss of the last 200 steps.
    """
    from diffusers.training_utils import EMAModel

    unet, device = foundation.unet.requires_grad_(True).train(), foundation.device
    generator, rng = torch_generator("unet", "noise", training.seed), numpy_generator("unet", "captions", training.seed)
    latents = torch.cat(
        [foundation.encode_images(corpus.tensor(rows)) for rows in np.array_split(np.arange(len(corpus)), 32)]
    )
    scheduler = build_scheduler()
    optimizer, schedule = adamw_cosine(unet, training.unet_learning_rate, training.unet_steps, weight_decay=1e-2)
    average = EMAModel(unet.parameters(), decay=0.999, use_ema_warmup=True, power=0.75)
    losses = []
    rows_of_steps = batches(len(corpus), training.unet_batch, training.unet_steps, generator)
    for step, rows in enumerate(track(rows_of_steps, "unet", total=training.unet_steps)):
        captions = [
            "" if rng.random() < training.caption_dropout else corpus.coarse_caption(row, rng) for row in rows
        ]
        states = foundation.encode_prompts(captions)
        loss = denoising_loss(unet, scheduler, latents[rows].to(device), states, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.step(unet.parameters())
        losses.append(loss.item())
        if step % 100 == 99:
            log.info("unet step %d loss %.4f", step + 1, np.mean(losses[-100:]))
    average.copy_to(unet.parameters())
    unet.requires_grad_(False).eval()
    return float(np.mean(losses[-200:]))


def train_foundation(training: FoundationTraining, corpus: Corpus, resolution: int, device: str = "cpu") -> Foundation:
    """Train all three stages and return the foundation."""
    vae = train_autoencoder(training, corpus, resolution, device)
    tokenizer = train_tokenizer(corpus.texts())
    text_encoder = train_text_encoder(training, corpus, resolution, tokenizer, device)
    foundation = assemble(training, vae, text_encoder, tokenizer, resolution, device)
    train_unet(training, foundation, corpus)
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


def reconstruction_psnr(foundation: Foundation, corpus: Corpus) -> dict[str, float]:
    """Peak signal-to-noise ratio (dB) of the autoencoder on a corpus, by modality and over all images ('all')."""
    squared = np.empty(len(corpus))
    with torch.inference_mode():
        for rows in np.array_split(np.arange(len(corpus)), max(1, len(corpus) // 64)):
            images = corpus.tensor(rows)
            decoded = foundation.decode(foundation.encode_images(images).to(foundation.device)).cpu().clamp(0, 1)
            squared[rows] = (decoded - images).square().mean((1, 2, 3)).numpy()
    groups = {book.modality: corpus.modality == number for number, book in enumerate(corpus.knowledge)}
    groups["all"] = np.full(len(corpus), True)
    return {name: float(-10 * np.log10(squared[rows].mean())) for name, rows in groups.items()}
