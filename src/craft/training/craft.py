"""CRAFT: reward finetuning of a supervised adapter through the sampler (our own specification).

A step's latents carry a gradient (`craft.training.passages`): of the diffusion sampler, some of whose steps are taken
with gradient, or of one prediction on noised samples. They are decoded and scored with the reward evaluator, and the
adapter is stepped on the objective (`craft.reward.objective`).
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from craft.core.images import read_texts, stream_pixels, to_tensor
from craft.core.seeds import Draws, derive_seed
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.reward.feature_file import read_calibration
from craft.reward.features import Features
from craft.reward.judge import Judge
from craft.reward.objective import ClinicalReward
from craft.reward.rating import Rating, Rewarder
from craft.training.checkpoints import Resumable
from craft.training.guard import Monitor
from craft.training.loop import LossAt, fit
from craft.training.methods.base import MethodFiles, Trained
from craft.training.methods.guarded import GuardedMethod
from craft.training.methods.reward import RewardMethod
from craft.training.parts import Part
from craft.training.prompts import all_prompts
from craft.training.settings import MethodJob, SamplingSettings
from craft.training.supervised import RealImages, denoise_real
from craft.training.watch import Watch, draw_fixed_sample, load_monitor
from craft.training.ways import make_way
from craft.training.window import Window


@dataclass(frozen=True)
class RewardInputs:
    """What reward finetuning of one dataset needs beside its settings.

    Attributes:
        foundation: carries the starting adapter twice: `default`, which is trained, and the frozen `anchor`.
        reward: the reward judges' clinical reward.
        monitor: what the guard judges by.
        images: real training images.
        knowledge: the modality's knowledge.
        items: of every label, the first reward evaluator's embeddings of its checklist's statements less those of their
            contradictions, shapes (items, width).
    """

    foundation: Foundation
    reward: ClinicalReward
    monitor: Monitor
    images: RealImages
    knowledge: Knowledge
    items: list[Tensor] = field(default_factory=list)


def load_inputs(settings: GuardedMethod, job: MethodJob, files: MethodFiles, device: str) -> RewardInputs:
    """Read the files of one dataset and the models that the job names.

    Raises:
        CraftError: if a file or model is missing or does not belong to the others.
    """
    frame, knowledge = read_texts(files.images), Knowledge.load(files.knowledge)
    train, calibrating = (frame[frame["split"] == split] for split in ("train", "calibration"))
    features = Features(files.features, frame, knowledge)
    rewarding = [ref for ref in job.evaluators if ref.role == "reward"]
    (monitoring,) = (ref for ref in job.evaluators if ref.role == "monitor")
    maps = read_calibration(files.calibration, [ref.name for ref in (*rewarding, monitoring)])
    foundation = Foundation.load(job.foundation.path, files.start, device, job.resolution, **job.foundation.hub)
    if not foundation.has_adapter:
        torch.manual_seed(derive_seed("adapter", job.seed_name))
        foundation.add_adapter(**dict(settings.lora))
    foundation.freeze_anchor(files.start)
    judged = [Rewarder(Judge.load(ref, device), features.alignment(ref, maps, job.neighbours)) for ref in rewarding]
    reward = ClinicalReward(
        Rating(judged, settings.rating, [label.prompt for label in knowledge.labels.values()]),
        settings.objective,
        (to_tensor(pixels) for _, pixels in stream_pixels(files.images, "calibration")),
        features.label_numbers(calibrating),
    )
    monitor = load_monitor(monitoring, features, files.images, maps, job.neighbours, device)
    name = rewarding[0].name
    items = [features.of(name, f"present/{label}") - features.of(name, f"absent/{label}") for label in knowledge.labels]
    return RewardInputs(foundation, reward, monitor, RealImages.load(files.latents, train), knowledge, items)


def finetune(settings: RewardMethod, job: MethodJob, files: MethodFiles, checkpoints: Path, device: str) -> Trained:
    """Finetune the adapter of a supervised method on the reward, resuming from the checkpoints where there are some.

    Args:
        settings: objective, gradient, guard and training.
        job: dataset, seed, models and sampling.
        files: all files of the dataset, and the adapter to start from.
        checkpoints: folder of the checkpoints, the event files and the images of every check.
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
        folder: of the checkpoints, the event files and the images of every check.

    Returns:
        The foundation with its history; what the guard saw, in the main process only.
    """
    parameters = prepare_training(settings, inputs, settings.tiny_decoder)
    loss = CraftLoss(settings, sampling, inputs, seed)
    return run_training(settings, sampling, inputs, parameters, loss, seed, folder, memory=loss)


def prepare_training(
    settings: GuardedMethod, inputs: RewardInputs, tiny_decoder: str | None = None
) -> list[nn.Parameter]:
    """Make the foundation of the inputs ready to be trained; returns the parameters of its adapter."""
    foundation, compute = inputs.foundation, settings.compute
    parameters = foundation.adapter_parameters(text=False)
    foundation.prepare(compute.checkpointing, compute.compile, tiny_decoder)
    foundation.remember_prompts(all_prompts(inputs.knowledge, settings.prompts))
    return parameters


def run_training(
    settings: GuardedMethod,
    sampling: SamplingSettings,
    inputs: RewardInputs,
    parameters: list[nn.Parameter],
    loss: LossAt,
    seed: str,
    folder: Path,
    memory: Resumable | None = None,
) -> Trained:
    """Minimise a loss over the adapter under the eyes of the guard; see `train_reward` for the other arguments.

    Args:
        parameters: of `prepare_training`.
        loss: of a part of a step's batch.
        memory: what the loss remembers from step to step.
    """
    foundation, compute, loop = inputs.foundation, settings.compute, settings.training
    watch = Watch(settings, sampling, inputs.monitor, inputs.knowledge, folder)
    guard = watch.guard(foundation, parameters, draw_fixed_sample(foundation, settings, inputs.knowledge, seed))
    shared = {"precision": compute.precision, "events": folder, "meter": foundation.meter}
    history = fit(parameters, loop, loss, folder, guard, memory=memory, **shared)
    return watch.finish(foundation, history, guard)


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
        return loss, logs | dict(zip(inputs.reward.names, means, strict=True))

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
