"""The autoencoder of a small foundation, trained on its reconstruction error and a weak KL term.

Squared error alone is satisfied long before thin things are sharp: ribs, vessels and hairs are a small part of an
image's energy. What is left of the error at three scales, once its blurred self is taken off, counts again for itself.
"""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from craft.core.seeds import derive_seed
from craft.models.architectures import build_autoencoder
from craft.models.foundation import Foundation
from craft.models.settings import FoundationTraining
from craft.training.corpus import Corpus
from craft.training.loop import fit, training_seconds
from craft.training.parts import Part
from craft.training.settings import LoopSettings

KL_WEIGHT = 3e-6  # per latent value; keeps the latents from growing without end, and too little to blur
SCALES = 3


def train_autoencoder(
    training: FoundationTraining, corpus: Corpus, resolution: int, checkpoints: Path, device: str = "cpu"
) -> tuple[nn.Module, float]:
    """Train an AutoencoderKL whose latents have zero mean and unit variance in every channel, in so many seconds."""
    torch.manual_seed(derive_seed("autoencoder", training.seed))
    vae = build_autoencoder(training, resolution).to(device, memory_format=torch.channels_last).train()
    with torch.no_grad():  # start almost without latent noise: otherwise the first hundreds of steps learn to shrink it
        vae.quant_conv.bias[training.latent_channels :] = -6.0

    def loss_at(part: Part):
        draws = part.draws("autoencoder", training.seed)
        rows = draws.integers(len(corpus), training.autoencoder_batch).numpy()
        images = corpus.tensor(rows).to(device) * 2 - 1
        posterior = vae.encode(images).latent_dist
        noise = draws.normal(*posterior.mean.shape).to(device)
        residual = vae.decode(posterior.mean + posterior.std * noise).sample - images
        error, detail = residual.square().mean(), detail_error(residual)
        # the images span two units here and one in the PSNR
        logs = {"psnr_db": -10 * math.log10(error.item() / 4), "detail": detail.item()}
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        return error + training.autoencoder_detail * detail + KL_WEIGHT * kl, logs

    schedule = LoopSettings.from_scratch(
        training.autoencoder_steps,
        training.autoencoder_batch,
        training.autoencoder_learning_rate,
        optimizer=training.optimizer,
        checkpoint_every=250,
    )
    history = fit(list(vae.parameters()), schedule, loss_at, checkpoints)
    vae.requires_grad_(False).eval()
    whiten(vae, corpus.tensor(np.arange(0, len(corpus), max(1, len(corpus) // 512))).to(device) * 2 - 1)
    return vae, training_seconds(history, schedule)


def detail_error(residual: Tensor) -> Tensor:
    """Mean absolute value of a residual (n, c, h, w) less its blurred self, summed over `SCALES` halvings."""
    total = residual.new_zeros(())
    for _ in range(SCALES):
        coarse = F.avg_pool2d(residual, 2)
        blurred = F.interpolate(coarse, scale_factor=2, mode="bilinear")
        total, residual = total + (residual - blurred).abs().mean(), coarse
    return total


@torch.no_grad()
def whiten(vae, images: Tensor) -> None:
    """Give every latent channel of images (n, 3, h, w) in [-1, 1] zero mean and unit variance, in place.

    Both 1 x 1 convolutions at the latents take it up, so that the decoded images stay what they are.
    """
    latents = torch.cat([vae.encode(chunk).latent_dist.mean for chunk in images.split(64)])
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    moments, back = vae.quant_conv, vae.post_quant_conv
    channels = len(mean)
    moments.bias[:channels] -= mean
    moments.bias[:channels] /= deviation
    moments.bias[channels:] -= 2 * deviation.log()
    moments.weight[:channels] /= deviation.view(-1, 1, 1, 1)
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight *= deviation.view(1, -1, 1, 1)
    vae.register_to_config(scaling_factor=1.0)


def reconstruction_psnr(foundation: Foundation, corpus: Corpus) -> dict[str, float]:
    """Peak signal-to-noise ratio (dB) of the autoencoder on a corpus, by modality and over all images ('all')."""
    squared = np.empty(len(corpus))
    with torch.inference_mode():
        for rows in np.array_split(np.arange(len(corpus)), max(1, len(corpus) // 64)):
            images = corpus.tensor(rows)
            decoded = foundation.reconstruct(images)
            squared[rows] = (decoded - images).square().mean((1, 2, 3)).numpy()
    groups = {known.modality: corpus.dataset == number for number, known in enumerate(corpus.knowledge)}
    groups["all"] = np.full(len(corpus), True)
    return {name: float(-10 * np.log10(squared[rows].mean())) for name, rows in groups.items()}
