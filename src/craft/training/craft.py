"""CRAFT: reward finetuning of a supervised adapter through the sampler (our own specification).

One step samples a batch with the diffusion sampler, part of it with gradient (`craft.training.backprop`), decodes it,
scores it with the reward evaluator, and steps the adapter on the objective (`craft.reward.objective`).
"""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from craft.core.config.methods import Reward as RewardSpec
from craft.core.config.methods import Sampling
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.reward.cas import DIMENSIONS
from craft.reward.objective import anchor
from craft.training.backprop import GradientPlan
from craft.training.checks import keep_check
from craft.training.guard import FixedSample, Guard
from craft.training.ingredients import Ingredients
from craft.training.loop import LossAt, fit
from craft.training.parts import Part
from craft.training.prompts import all_prompts, draw_prompts
from craft.training.sampler import Conditions, Trajectory, sample_latents
from craft.training.supervised import denoise_real

CHECKS = "checks"


def balanced_labels(labels: list[str], count: int, offset: int = 0) -> list[str]:
    """`count` label keys in turn, starting at `offset`."""
    return [labels[(offset + index) % len(labels)] for index in range(count)]


def anchor_loss(foundation: Foundation, conditions: Conditions, path: Trajectory, draws: Draws) -> Tensor:
    """Distance to the reference adapter on one state of the sampled trajectory, drawn uniformly."""
    index = draws.common(len(path.inputs))
    arguments = (path.inputs[index], path.timesteps[index])
    with foundation.reference():
        reference = foundation.unet(*arguments, encoder_hidden_states=conditions.states).sample
    return anchor(foundation.unet(*arguments, encoder_hidden_states=conditions.states).sample, reference)


def make_loss(spec: RewardSpec, sampling: Sampling, given: Ingredients, seed: str) -> LossAt:
    """The CRAFT loss of a step."""
    foundation, book, objective, batch = given.foundation, given.book, spec.objective, spec.training.batch
    labels = list(book.labels)

    def loss_at(part: Part) -> tuple[Tensor, dict[str, float]]:
        draws = part.draws("craft", seed)
        names = balanced_labels(labels, batch, offset=(part.step * part.shares + part.share) * batch)
        conditions = Conditions.encode(foundation, draw_prompts(book, names, spec.prompts, draws))
        noise = draws.normal(batch, *foundation.latent_shape)
        plan = GradientPlan.draw(spec.backprop, sampling.steps, batch, draws)
        path = sample_latents(foundation, conditions, noise, sampling, plan, draws)
        numbers = torch.tensor([labels.index(name) for name in names], device=foundation.device)
        scored = given.reward(foundation.decode(path.latents), numbers.repeat(plan.variants), draws)
        near = anchor_loss(foundation, conditions, path, draws)
        real = denoise_real(foundation, given.images, book, spec.prompts, batch, 0.1, draws)
        loss = scored.hinge + objective.beta * near + objective.gamma * real
        logs = {"reward": scored.reward.mean().item(), "hinge": scored.hinge.item()}
        logs |= {"anchor": near.item(), "denoising": real.item()}
        return loss, logs | dict(zip(DIMENSIONS, scored.dimensions.mean(0).tolist(), strict=True))

    return loss_at


def train_reward(
    spec: RewardSpec, sampling: Sampling, given: Ingredients, seed: str, folder: Path
) -> tuple[list[dict], list[Tensor]]:
    """Finetune the adapter `default` of the foundation in place and leave it in its best state.

    Args:
        spec: objective, gradient, guard and training.
        sampling: how images are sampled.
        given: models, reward, monitor, real images and knowledge.
        seed: names the run's random draws.
        folder: of the run's checkpoints and event files, and, below `CHECKS`, of the images of every check.

    Returns:
        The history, and the guard's pictures of its fixed noise, uint8 (images, 3, size, size), one for every check.
    """
    foundation = given.foundation
    parameters = foundation.adapter_parameters(text=False)
    foundation.prepare(spec.compute, spec.tiny_decoder)
    foundation.remember_prompts(all_prompts(given.book))
    sample = draw_fixed_sample(foundation, spec, given.book, seed)
    names = balanced_labels(list(given.book.labels), len(sample.labels))
    keep = partial(keep_check, folder / CHECKS, names)
    guard = Guard(foundation, parameters, given.monitor, sample, sampling, spec.guard, spec.training.steps, keep)
    loss_at, precision = make_loss(spec, sampling, given, seed), spec.compute.precision
    history = fit(parameters, spec.training, loss_at, folder, guard, precision=precision, events=folder)
    return history, guard.pictures


def draw_fixed_sample(foundation: Foundation, spec: RewardSpec, book: Knowledge, seed: str) -> FixedSample:
    """The guard's noise, prompts and labels."""
    draws, labels = Draws("guard", seed), list(book.labels)
    names = balanced_labels(labels, spec.guard.images)
    prompts = draw_prompts(book, names, spec.prompts, draws)
    noise = draws.normal(len(names), *foundation.latent_shape)
    return FixedSample(noise, prompts, torch.tensor([labels.index(name) for name in names]))
