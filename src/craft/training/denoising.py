"""The denoising loss of diffusion training, shared by the foundation, the supervised methods and CRAFT."""

import torch
import torch.nn.functional as F
from torch import Tensor


def target_of(scheduler, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """What the model should predict: the noise, or the velocity (Salimans & Ho 2022) for v-prediction."""
    if scheduler.config.prediction_type == "v_prediction":
        return scheduler.get_velocity(latents, noise, timesteps)
    return noise


def denoising_loss(unet, scheduler, latents: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
    """Mean squared prediction error at uniformly drawn timesteps.

    Args:
        unet: the denoiser.
        scheduler: a DDPM-like diffusers scheduler (noise schedule and prediction type).
        latents: scaled latents, shape (n, channels, height, width).
        states: text states, shape (n, window, width).
        generator: CPU generator of timesteps and noise.
    """
    noise = torch.randn(latents.shape, generator=generator).to(latents)
    timesteps = torch.randint(scheduler.config.num_train_timesteps, (len(latents),), generator=generator)
    timesteps = timesteps.to(latents.device)
    noisy = scheduler.add_noise(latents, noise, timesteps)
    prediction = unet(noisy, timesteps, encoder_hidden_states=states).sample
    return F.mse_loss(prediction, target_of(scheduler, latents, noise, timesteps))
