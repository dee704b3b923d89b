"""One differentiable sampler over diffusers schedulers, for generation and for reward finetuning alike."""

from dataclasses import dataclass

import torch
from torch import Tensor

from craft.core.config.methods import Sampling
from craft.models.foundation import Foundation


@dataclass(frozen=True)
class Conditions:
    """Text states of a batch: conditional (n, window, width) and unconditional (1, window, width)."""

    states: Tensor
    empty: Tensor

    @classmethod
    def encode(cls, foundation: Foundation, prompts: list[str]) -> "Conditions":
        return cls(foundation.encode_prompts(prompts), foundation.encode_prompts([""]))


@dataclass(frozen=True)
class Trajectory:
    """What sampling leaves behind.

    Attributes:
        latents: final scaled latents (n, channels, height, width); carry a gradient if steps were asked to.
        inputs: the model inputs before every step, detached, in the order of the timesteps.
        timesteps: the scheduler's timesteps, shape (steps,).
    """

    latents: Tensor
    inputs: list[Tensor]
    timesteps: Tensor


def guided_prediction(unet, sample: Tensor, timestep, conditions: Conditions, scale: float) -> Tensor:
    """Classifier-free guided prediction (Ho & Salimans 2022); one pass where the scale is 1."""
    if scale == 1.0:
        return unet(sample, timestep, encoder_hidden_states=conditions.states).sample
    states = torch.cat([conditions.empty.expand_as(conditions.states), conditions.states])
    empty, conditional = unet(torch.cat([sample, sample]), timestep, encoder_hidden_states=states).sample.chunk(2)
    return empty + scale * (conditional - empty)


def sample_latents(
    foundation: Foundation, conditions: Conditions, noise: Tensor, sampling: Sampling, gradient_steps: int = 0
) -> Trajectory:
    """Sample latents; only the last `gradient_steps` steps carry a gradient (truncated backpropagation, DRaFT-K).

    Args:
        foundation: the model with its active adapter.
        conditions: text states of the batch.
        noise: standard normal, shape (n, channels, height, width).
        sampling: scheduler, number of steps and guidance scale.
        gradient_steps: K; 0 samples without any gradient.
    """
    scheduler = foundation.make_scheduler(sampling.scheduler, sampling.steps)
    sample, inputs = noise.to(foundation.device) * scheduler.init_noise_sigma, []
    first_gradient = len(scheduler.timesteps) - gradient_steps
    for index, timestep in enumerate(scheduler.timesteps):
        with torch.set_grad_enabled(index >= first_gradient):
            scaled = scheduler.scale_model_input(sample, timestep)
            inputs.append(scaled.detach())
            prediction = guided_prediction(foundation.unet, scaled, timestep, conditions, sampling.guidance_scale)
            sample = scheduler.step(prediction, timestep, sample, return_dict=False)[0]
    return Trajectory(sample, inputs, scheduler.timesteps)


@torch.no_grad()
def generate(foundation: Foundation, prompts: list[str], noise: Tensor, sampling: Sampling, batch: int = 64) -> Tensor:
    """Images (n, 3, size, size) in [0, 1] on the CPU, one for each prompt and noise."""
    images = []
    for start in range(0, len(prompts), batch):
        conditions = Conditions.encode(foundation, prompts[start : start + batch])
        trajectory = sample_latents(foundation, conditions, noise[start : start + batch], sampling)
        images.append(foundation.decode(trajectory.latents).clamp(0, 1).cpu())
    return torch.cat(images)
