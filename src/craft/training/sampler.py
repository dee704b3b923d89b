"""One differentiable sampler over diffusers schedulers, for generation and for reward finetuning alike."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from craft.core.seeds import Draws
from craft.models.foundation import Foundation
from craft.training.backprop import NO_GRADIENT, GradientPlan
from craft.training.settings import SamplingSettings


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
        latents: final scaled latents (variants * n, channels, height, width), one variant of all n samples after the
            other; they carry a gradient if the plan asks for one.
        inputs: the model inputs before every step, detached, in the order of the timesteps.
        timesteps: the scheduler's timesteps, shape (steps,).
    """

    latents: Tensor
    inputs: list[Tensor]
    timesteps: Tensor


def guided_prediction(unet, sample: Tensor, timestep, conditions: Conditions, scale: float) -> Tensor:
    """Classifier-free guided prediction (Ho & Salimans 2022); one pass where the scale is 1."""
    return predict(unet, sample, timestep, conditions, scale)[0]


def predict(unet, sample: Tensor, timestep, conditions: Conditions, scale: float) -> tuple[Tensor, Tensor]:
    """The guided prediction and the conditional one that is part of it, at one timestep or one for every sample."""
    if scale == 1.0:
        conditional = unet(sample, timestep, encoder_hidden_states=conditions.states).sample
        return conditional, conditional
    states = torch.cat([conditions.empty.expand_as(conditions.states), conditions.states])
    timesteps = torch.cat([timestep, timestep]) if timestep.ndim else timestep
    empty, conditional = unet(torch.cat([sample, sample]), timesteps, encoder_hidden_states=states).sample.chunk(2)
    return empty + scale * (conditional - empty), conditional


def sample_latents(
    foundation: Foundation,
    conditions: Conditions,
    noise: Tensor,
    sampling: SamplingSettings,
    plan: GradientPlan = NO_GRADIENT,
    draws: Draws | None = None,
) -> Trajectory:
    """Sample latents; the plan says which steps carry a gradient.

    Args:
        foundation: the model with its active adapter.
        conditions: text states of the batch.
        noise: standard normal, shape (n, channels, height, width).
        sampling: scheduler, number of steps and guidance scale.
        plan: which steps of which samples carry a gradient.
        draws: of the noise of further variants (`plan.variants` above 1).
    """
    scheduler = foundation.make_scheduler(sampling.scheduler, sampling.steps)
    denoiser = Denoiser(foundation.unet, conditions, sampling.guidance_scale, plan)
    sample, inputs = noise.to(foundation.device) * scheduler.init_noise_sigma, []
    first, last = plan.first(sampling.steps), plan.last(sampling.steps)
    with foundation.merged(), foundation.same_text(), torch.inference_mode():
        for index in range(min(first, last + 1)):
            sample = denoiser.step(scheduler, index, sample, inputs)
    sample, inputs = leave_inference(scheduler, sample), [entry.clone() for entry in inputs]
    before = copy.deepcopy(scheduler)
    for index in range(len(inputs), last + 1):
        before = copy.deepcopy(scheduler) if plan.variants > 1 else before
        sample = denoiser.step(scheduler, index, sample, inputs)
    finals = [sample]
    for _ in range(plan.variants - 1):
        fresh = draws.normal(*noise.shape).to(sample)
        noisy = before.add_noise(sample.detach(), fresh, before.timesteps[last].expand(len(fresh)))
        finals.append(denoiser.step(copy.deepcopy(before), last, noisy, []))
    return Trajectory(torch.cat(finals), inputs, scheduler.timesteps)


@dataclass
class Denoiser:
    """Steps of one batch along its trajectory."""

    unet: torch.nn.Module
    conditions: Conditions
    guidance_scale: float
    plan: GradientPlan

    def step(self, scheduler, index: int, sample: Tensor, inputs: list[Tensor]) -> Tensor:
        """The state after step `index`, or the clean estimate if the plan stops there; appends the model input."""
        timestep = scheduler.timesteps[index]
        scaled = scheduler.scale_model_input(sample, timestep)
        inputs.append(scaled.detach())
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.plan.trains(index)):
            seen = scaled.detach() if self.plan.linear else scaled
            prediction = guided_prediction(self.unet, seen, timestep, self.conditions, self.guidance_scale)
        if self.plan.stop == index:
            return clean_estimate(scheduler, prediction, timestep, sample)
        return self.plan.truncate(index, scheduler.step(prediction, timestep, sample, return_dict=False)[0])


def clean_estimate(scheduler, prediction: Tensor, timestep: Tensor, sample: Tensor) -> Tensor:
    """The clean latents that a prediction at one step implies."""
    if hasattr(scheduler, "convert_model_output"):  # DPM-Solver++ predicts the data itself
        scheduler._init_step_index(timestep) if scheduler.step_index is None else None
        return scheduler.convert_model_output(prediction, sample=sample)
    return scheduler.step(prediction, timestep, sample).pred_original_sample


def leave_inference(scheduler, sample: Tensor) -> Tensor:
    """The sample as a tensor that autograd may keep; likewise what a multistep solver remembers."""
    if outputs := getattr(scheduler, "model_outputs", None):
        scheduler.model_outputs = [entry if entry is None else entry.clone() for entry in outputs]
    return sample.clone()


def generate(
    foundation: Foundation, prompts: list[str], noise: Tensor, sampling: SamplingSettings, batch: int = 64
) -> Tensor:
    """Images (n, 3, size, size) in [0, 1] on the CPU, one for each prompt and noise."""
    return torch.cat(list(generate_batches(foundation, prompts, noise, sampling, batch)))


def generate_batches(
    foundation: Foundation, prompts: list[str], noise: Tensor, sampling: SamplingSettings, batch: int = 64
) -> Iterator[Tensor]:
    """The same, a batch at a time, so that no more than one is held."""
    for start in range(0, len(prompts), batch):
        with torch.no_grad():
            conditions = Conditions.encode(foundation, prompts[start : start + batch])
            trajectory = sample_latents(foundation, conditions, noise[start : start + batch], sampling)
            images = foundation.decode(trajectory.latents).clamp(0, 1).cpu()
        yield images


@torch.no_grad()
def sample_many(
    foundation: Foundation, prompts: list[str], noise: Tensor, sampling: SamplingSettings, batch: int = 64
) -> Tensor:
    """Scaled latents (n, channels, height, width) on the CPU, one for each prompt and noise."""
    found = []
    for start in range(0, len(prompts), batch):
        rows = slice(start, start + batch)
        conditions = Conditions.encode(foundation, prompts[rows])
        found.append(sample_latents(foundation, conditions, noise[rows], sampling).latents.cpu())
    return torch.cat(found)
