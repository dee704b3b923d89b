"""The autoencoder of a small foundation, trained on mean squared error and a weak KL term."""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from craft.core.seeds import derive_seed
from craft.models.architectures import build_autoencoder
from craft.models.foundation import Foundation
from craft.models.settings import FoundationTraining
from craft.training.corpus import Corpus
from craft.training.loop import fit
from craft.training.parts import Part
from craft.training.settings import LoopSettings

KL_WEIGHT = 3e-5  # per latent value; enough to keep the latents near unit scale, too little to blur


def train_autoencoder(
    training: FoundationTraining, corpus: Corpus, resolution: int, checkpoints: Path, device: str = "cpu"
):
    """Train an AutoencoderKL and set its scaling factor to unit latent variance.

    The decoder is then trained further alone, as Stable Diffusion's was: its latents stay what they are.
    """
    torch.manual_seed(derive_seed("autoencoder", training.seed))
    vae = build_autoencoder(training, resolution).to(device, memory_format=torch.channels_last).train()
    with torch.no_grad():  # start almost without latent noise: otherwise the first hundreds of steps learn to shrink it
        vae.quant_conv.bias[training.latent_channels :] = -6.0
    reconstruct(vae, training, corpus, "autoencoder", checkpoints / "both")
    sample = corpus.tensor(np.arange(0, len(corpus), max(1, len(corpus) // 256))).to(device)
    vae.requires_grad_(False).eval()
    vae.register_to_config(scaling_factor=round(float(1.0 / vae.encode(sample * 2 - 1).latent_dist.mean.std()), 5))
    if training.decoder_steps:
        train_decoder(vae, training, corpus, checkpoints / "decoder")
    return vae


def train_decoder(vae, training: FoundationTraining, corpus: Corpus, checkpoints: Path) -> None:
    """Train the decoder of an autoencoder further, in place, and leave its encoder as it is."""
    for module in (vae.decoder, vae.post_quant_conv):
        module.requires_grad_(True).train()
    reconstruct(vae, training, corpus, "decoder", checkpoints)
    vae.requires_grad_(False).eval()


def reconstruct(vae, training: FoundationTraining, corpus: Corpus, stage: str, checkpoints: Path) -> None:
    """Minimise the reconstruction error over what is trainable: stage `autoencoder`, or `decoder` at half the rate."""

    def loss_at(part: Part):
        draws = part.draws(stage, training.seed)
        rows = draws.integers(len(corpus), training.autoencoder_batch).numpy()
        images = corpus.tensor(rows).to(vae.device) * 2 - 1
        posterior = vae.encode(images).latent_dist
        noise = draws.normal(*posterior.mean.shape).to(vae.device)
        error = F.mse_loss(vae.decode(posterior.mean + posterior.std * noise).sample, images)
        # the images span two units here and one in the PSNR
        logs = {"psnr_db": -10 * math.log10(error.item() / 4)}
        return error + KL_WEIGHT * posterior.kl().mean() / posterior.mean[0].numel(), logs

    alone = stage == "decoder"
    steps = training.decoder_steps if alone else training.autoencoder_steps
    rate = training.autoencoder_learning_rate / (2 if alone else 1)
    schedule = LoopSettings.from_scratch(steps, training.autoencoder_batch, rate, checkpoint_every=500)
    parameters = [parameter for parameter in vae.parameters() if parameter.requires_grad]
    fit(parameters, schedule, loss_at, checkpoints, weight_decay=1e-3)


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
