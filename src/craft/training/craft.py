"""CRAFT: reward finetuning of a supervised adapter through the sampler (our own specification).

A step's latents carry a gradient (`craft.training.passages`): of the diffusion sampler, some of whose steps are taken
with gradient, or of one prediction on noised samples. They are decoded and scored with the reward evaluator, and the
adapter is stepped on the objective (`craft.reward.objective`).
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
from craft.reward.objective import ClinicalReward
from craft.training.checks import collect_checks, keep_check
from craft.training.guard import FixedSample, Guard, Monitor
from craft.training.loop import fit
from craft.training.methods.base import MethodFiles, Trained
from craft.training.methods.reward import RewardMethod
from craft.training.parts import Part
from craft.training.processes import is_main_process
from craft.training.prompts import all_prompts, balanced_labels, draw_prompts
from craft.training.settings import MethodJob, SamplingSettings
from craft.training.supervised import RealImages, denoise_real
from craft.training.ways import make_way
from craft.training.window import Window

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
    loss = CraftLoss(settings, sampling, inputs, seed)
    history = fit(parameters, loop, loss, folder, guard, memory=loss, precision=compute.precision, events=folder)
    if not is_main_process():
        return Trained(foundation, history)
    checks = collect_checks(folder / CHECKS, [row["step"] for row in history if "monitor" in row])
    return Trained(foundation, history, guard.pictures, checks)


class CraftLoss:
    """The CRAFT loss of a step; what it remembers from step to step travels in the checkpoints.

    Args:
        settings: objective, gradient and training.
        sampling: how images are sampled.
        inputs: models, reward, real images and knowledge.
        seed: names the random draws.
    """

    def __init__(self, settings: RewardMethod, sampling: SamplingSettings, inputs: RewardInputs, seed: str):
        self.settings, self.inputs, self.seed = settings, inputs, seed
        self.way = make_way(inputs.foundation, inputs.knowledge, settings, sampling, seed)
        self.window = Window(settings.objective.window)

    def __call__(self, part: Part) -> tuple[Tensor, dict[str, float]]:
        """The loss of a part of a step's batch and what to log of it; a further term is there where it has a weight."""
        draws, objective, inputs = part.draws("craft", self.seed), self.settings.objective, self.inputs
        passage = self.way(part, draws)
        images = inputs.foundation.decode(passage.latents)
        scored = inputs.reward(images, passage.labels, draws, passage.places)
        past = self.window.add(part, scored)
        terms = {
            "diversity_lack": (objective.diversity, lambda: inputs.reward.diversity(scored, past)),
            "anchor": (objective.beta, lambda: passage.distance_to_anchor(draws)),
            "denoising": (objective.gamma, lambda: self.denoise(draws)),
        }
        loss = inputs.reward.matching(scored, past)
        rewards = scored.reward.detach()
        logs = {"reward": rewards.mean().item(), "pull": loss.item()} | passage.describe(rewards)
        for name, (weight, term) in terms.items():
            if weight:
                value = term()
                loss, logs[name] = loss + weight * value, value.item()
        means = scored.dimensions.mean(0).tolist()
        return loss, logs | dict(zip(inputs.reward.alignment.names, means, strict=True))

    def denoise(self, draws: Draws) -> Tensor:
        """The denoising loss on as many real images as a part generates."""
        settings, inputs = self.settings, self.inputs
        batch, arguments = settings.training.batch, (inputs.images, inputs.knowledge, settings.prompts)
        return denoise_real(inputs.foundation, *arguments, batch, 0.1, draws)

    def tensors(self) -> dict[str, Tensor]:
        """See `craft.training.checkpoints.Resumable`."""
        parts = {"way": self.way, "window": self.window}
        return {f"{name}/{key}": tensor for name, part in parts.items() for key, tensor in part.tensors().items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """See `craft.training.checkpoints.Resumable`."""
        for name, part in {"way": self.way, "window": self.window}.items():
            prefix = f"{name}/"
            part.restore({key[len(prefix) :]: each for key, each in tensors.items() if key.startswith(prefix)})


def draw_fixed_sample(foundation: Foundation, settings: RewardMethod, knowledge: Knowledge, seed: str) -> FixedSample:
    """The guard's noise, prompts and labels."""
    draws, labels = Draws("guard", seed), list(knowledge.labels)
    names = balanced_labels(labels, settings.guard.images)
    prompts = draw_prompts(knowledge, names, settings.prompts, draws)
    noise = draws.normal(len(names), *foundation.latent_shape)
    return FixedSample(noise, prompts, torch.tensor([labels.index(name) for name in names]))
