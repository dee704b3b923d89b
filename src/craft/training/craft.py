"""CRAFT: reward finetuning of a supervised adapter through the sampler (our own specification).

One step samples a batch with the diffusion sampler, the last K steps with gradient, decodes it, scores it with the
reward evaluator, and steps the adapter on hinge + anchor + denoising loss (`craft.reward.objective`).
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from craft.core.config.methods import Reward as RewardSpec
from craft.core.config.methods import Sampling
from craft.core.seeds import torch_generator
from craft.knowledge.schema import Knowledge
from craft.models.evaluators import ImageTextEvaluator
from craft.models.foundation import Foundation
from craft.reward.cas import DIMENSIONS, ClinicalAlignment
from craft.reward.objective import ClinicalReward, anchor
from craft.training.backprop import GradientPlan
from craft.training.guard import FixedSample, MonitorGuard
from craft.training.loop import fit
from craft.training.prompts import draw_prompts
from craft.training.sampler import Conditions, Trajectory, sample_latents
from craft.training.supervised import RealImages, denoise_real


@dataclass(frozen=True)
class Monitor:
    """The evaluator that watches and never enters the loss, with its calibrated CAS."""

    evaluator: ImageTextEvaluator
    alignment: ClinicalAlignment


def balanced_labels(labels: list[str], count: int, offset: int = 0) -> list[str]:
    """`count` label keys in turn, starting at `offset`."""
    return [labels[(offset + index) % len(labels)] for index in range(count)]


def anchor_loss(foundation: Foundation, conditions: Conditions, path: Trajectory, generator: torch.Generator) -> Tensor:
    """Distance to the reference adapter on one state of the sampled trajectory, drawn uniformly."""
    index = int(torch.randint(len(path.inputs), (1,), generator=generator))
    arguments = (path.inputs[index], path.timesteps[index])
    with foundation.reference():
        reference = foundation.unet(*arguments, encoder_hidden_states=conditions.states).sample
    return anchor(foundation.unet(*arguments, encoder_hidden_states=conditions.states).sample, reference)


def train_reward(
    foundation: Foundation,
    spec: RewardSpec,
    sampling: Sampling,
    reward: ClinicalReward,
    monitor: Monitor,
    images: RealImages,
    book: Knowledge,
    seed: str,
    checkpoints: Path,
) -> list[dict]:
    """Finetune the active adapter of `foundation` in place and leave it in its best state; returns the history.

    The foundation carries the supervised adapter twice: `default`, which is trained, and the frozen `reference`.
    """
    labels, objective, batch = list(book.labels), spec.objective, spec.training.batch
    parameters = foundation.adapter_parameters()

    def loss_at(step: int):
        generator = torch_generator("craft", seed, step)
        names = balanced_labels(labels, batch, offset=step * batch)
        prompts = draw_prompts(book, names, spec.prompts, generator)
        conditions = Conditions.encode(foundation, prompts)
        noise = torch.randn(batch, *foundation.latent_shape, generator=generator)
        plan = GradientPlan.draw(spec.backprop, sampling.steps, batch, generator)
        path = sample_latents(foundation, conditions, noise, sampling, plan, generator)
        numbers = torch.tensor([labels.index(name) for name in names], device=foundation.device)
        scored = reward(foundation.decode(path.latents), numbers.repeat(plan.variants), generator)
        near = anchor_loss(foundation, conditions, path, generator)
        real = denoise_real(foundation, images, book, spec.prompts, batch, 0.1, generator)
        loss = scored.hinge + objective.beta * near + objective.gamma * real
        logs = {"reward": scored.reward.mean().item(), "anchor": near.item(), "denoising": real.item()}
        return loss, logs | dict(zip(DIMENSIONS, scored.dimensions.mean(0).tolist(), strict=True))

    guard = MonitorGuard(
        foundation,
        parameters,
        monitor.evaluator,
        monitor.alignment,
        draw_fixed_sample(foundation, spec, book, seed),
        sampling,
        spec.guard,
        spec.training.steps,
    )
    history = fit(parameters, spec.training, loss_at, checkpoints, guard)
    guard.keep_best()
    return history


def draw_fixed_sample(foundation: Foundation, spec: RewardSpec, book: Knowledge, seed: str) -> FixedSample:
    """The guard's noise, prompts and labels."""
    generator, labels = torch_generator("guard", seed), list(book.labels)
    names = balanced_labels(labels, spec.guard.images)
    prompts = draw_prompts(book, names, spec.prompts, generator)
    noise = torch.randn(len(names), *foundation.latent_shape, generator=generator)
    return FixedSample(noise, prompts, torch.tensor([labels.index(name) for name in names]))
