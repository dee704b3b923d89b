"""CRAFT: reward finetuning of a supervised adapter through the sampler (our own specification).

One step samples a batch with the diffusion sampler, part of it with gradient (`craft.training.backprop`), decodes it,
scores it with the reward evaluator, and steps the adapter on the objective (`craft.reward.objective`).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from craft.core.images import decode_images, read_images, to_tensor
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.reward.features import Features, read_calibration
from craft.reward.judge import Judge
from craft.reward.objective import ClinicalReward, anchor
from craft.training.backprop import GradientPlan
from craft.training.checks import collect_checks, keep_check
from craft.training.guard import FixedSample, Guard, Monitor
from craft.training.loop import LossAt, fit
from craft.training.methods.base import MethodFiles, Trained
from craft.training.methods.reward import RewardMethod
from craft.training.parts import Part
from craft.training.processes import is_main_process
from craft.training.prompts import all_prompts, draw_prompts
from craft.training.sampler import Conditions, Trajectory, sample_latents
from craft.training.settings import MethodJob, SamplingSettings
from craft.training.supervised import RealImages, denoise_real

CHECKS = "checks"


@dataclass(frozen=True)
class RewardInputs:
    """What reward finetuning of one dataset needs beside its settings.

    Attributes:
        foundation: carries the supervised adapter twice: `default`, which is trained, and the frozen `anchor`.
        reward: the reward judge's clinical reward.
        monitor: what the guard judges by.
        images: real training images.
        knowledge: the modality's knowledge.
    """

    foundation: Foundation
    reward: ClinicalReward
    monitor: Monitor
    images: RealImages
    knowledge: Knowledge


def load_inputs(settings: RewardMethod, job: MethodJob, files: MethodFiles, device: str) -> RewardInputs:
    """Read the files of one dataset and the models that the job names.

    Raises:
        CraftError: if a file or model is missing or does not belong to the others.
    """
    frame, knowledge = read_images(files.images), Knowledge.load(files.knowledge)
    train, calibrating = (frame[frame["split"] == split] for split in ("train", "calibration"))
    features = Features(files.features, frame, knowledge)
    by_role = {ref.role: ref for ref in job.evaluators}
    rewarding, monitoring = by_role["reward"], by_role["monitor"]
    maps = read_calibration(files.calibration, [rewarding.name, monitoring.name])
    foundation = Foundation.load(job.foundation, adapter=files.start, device=device)
    foundation.freeze_anchor(files.start)
    reward = ClinicalReward(
        Judge.load(rewarding, device),
        features.alignment(rewarding, maps, job.neighbours),
        settings.objective,
        to_tensor(decode_images(calibrating)),
        features.label_numbers(calibrating),
    )
    monitor = Monitor.of(
        Judge.load(monitoring, device),
        features.alignment(monitoring, maps, job.neighbours),
        to_tensor(decode_images(calibrating)),
        *features.split(monitoring, "calibration"),
    )
    return RewardInputs(foundation, reward, monitor, RealImages.load(files.latents, train), knowledge)


def finetune(settings: RewardMethod, job: MethodJob, files: MethodFiles, checkpoints: Path, device: str) -> Trained:
    """Finetune the adapter of a supervised method on the reward, resuming from the checkpoints where there are some.

    Args:
        settings: objective, gradient, guard and training.
        job: dataset, seed, models and sampling.
        files: all files of the dataset, and the adapter to start from.
        checkpoints: folder of the checkpoints and event files, and, below `CHECKS`, of the images of every check.
        device: `cpu` or a GPU.

    Raises:
        CraftError: if a file or model is missing or does not belong to the others.
    """
    inputs = load_inputs(settings, job, files, device)
    return train_reward(settings, job.sampling, inputs, job.seed_name, checkpoints)


def train_reward(
    settings: RewardMethod, sampling: SamplingSettings, inputs: RewardInputs, seed: str, folder: Path
) -> Trained:
    """Finetune the adapter `default` of the inputs' foundation, in place, and leave it in its best state.

    Args:
        settings: objective, gradient, guard and training.
        sampling: how images are sampled.
        inputs: models, reward, monitor, real images and knowledge.
        seed: names the random draws.
        folder: of the checkpoints and event files, and, below `CHECKS`, of the images of every check.

    Returns:
        The foundation with its history; what the guard saw, in the main process only.
    """
    foundation, compute = inputs.foundation, settings.compute
    parameters = foundation.adapter_parameters(text=False)
    foundation.prepare(compute.checkpointing, compute.compile, settings.tiny_decoder)
    foundation.remember_prompts(all_prompts(inputs.knowledge))
    sample = draw_fixed_sample(foundation, settings, inputs.knowledge, seed)
    names = balanced_labels(list(inputs.knowledge.labels), len(sample.labels))
    keep = partial(keep_check, folder / CHECKS, names)
    loop, monitor = settings.training, inputs.monitor
    guard = Guard(foundation, parameters, monitor, sample, sampling, settings.guard, loop.steps, keep)
    loss_at = make_loss(settings, sampling, inputs, seed)
    history = fit(parameters, loop, loss_at, folder, guard, precision=compute.precision, events=folder)
    if not is_main_process():
        return Trained(foundation, history)
    checks = collect_checks(folder / CHECKS, [row["step"] for row in history if "monitor" in row])
    return Trained(foundation, history, guard.pictures, checks)


def make_loss(settings: RewardMethod, sampling: SamplingSettings, inputs: RewardInputs, seed: str) -> LossAt:
    """The CRAFT loss of a step."""
    foundation, knowledge, batch = inputs.foundation, inputs.knowledge, settings.training.batch
    labels, objective, dimensions = list(knowledge.labels), settings.objective, inputs.reward.alignment.names

    def loss_at(part: Part) -> tuple[Tensor, dict[str, float]]:
        draws = part.draws("craft", seed)
        names = balanced_labels(labels, batch, offset=(part.step * part.shares + part.share) * batch)
        conditions = Conditions.encode(foundation, draw_prompts(knowledge, names, settings.prompts, draws))
        noise = draws.normal(batch, *foundation.latent_shape)
        plan = GradientPlan.draw(settings.backprop, sampling.steps, batch, draws)
        path = sample_latents(foundation, conditions, noise, sampling, plan, draws)
        numbers = torch.tensor([labels.index(name) for name in names], device=foundation.device)
        scored = inputs.reward(foundation.decode(path.latents), numbers.repeat(plan.variants), draws)
        near = anchor_loss(foundation, conditions, path, draws)
        real = denoise_real(foundation, inputs.images, knowledge, settings.prompts, batch, 0.1, draws)
        loss = scored.hinge + objective.beta * near + objective.gamma * real
        logs = {"reward": scored.reward.mean().item(), "hinge": scored.hinge.item()}
        logs |= {"anchor": near.item(), "denoising": real.item()}
        return loss, logs | dict(zip(dimensions, scored.dimensions.mean(0).tolist(), strict=True))

    return loss_at


def anchor_loss(foundation: Foundation, conditions: Conditions, path: Trajectory, draws: Draws) -> Tensor:
    """Distance to the anchor adapter on one state of the sampled trajectory, drawn uniformly."""
    index = draws.common(len(path.inputs))
    arguments = (path.inputs[index], path.timesteps[index])
    with foundation.anchor():
        anchored = foundation.unet(*arguments, encoder_hidden_states=conditions.states).sample
    return anchor(foundation.unet(*arguments, encoder_hidden_states=conditions.states).sample, anchored)


def balanced_labels(labels: list[str], count: int, offset: int = 0) -> list[str]:
    """`count` label keys in turn, starting at `offset`."""
    return [labels[(offset + index) % len(labels)] for index in range(count)]


def draw_fixed_sample(foundation: Foundation, settings: RewardMethod, knowledge: Knowledge, seed: str) -> FixedSample:
    """The guard's noise, prompts and labels."""
    draws, labels = Draws("guard", seed), list(knowledge.labels)
    names = balanced_labels(labels, settings.guard.images)
    prompts = draw_prompts(knowledge, names, settings.prompts, draws)
    noise = draws.normal(len(names), *foundation.latent_shape)
    return FixedSample(noise, prompts, torch.tensor([labels.index(name) for name in names]))
