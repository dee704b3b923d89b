"""A training that a guard watches: its monitor, the noise that is looked at again and again, and what is left of it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from craft.core.images import read_texts, stream_pixels, to_tensor
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.models.settings import EvaluatorRef
from craft.reward.feature_file import read_calibration
from craft.reward.features import Features
from craft.reward.judge import Judge
from craft.training.checks import collect_checks, keep_check
from craft.training.guard import FixedSample, Guard, Monitor, measure_appearance
from craft.training.methods.base import MethodFiles, Trained
from craft.training.processes import is_main_process
from craft.training.prompts import balanced_labels, draw_prompts
from craft.training.settings import GuardSettings, LoopSettings, MethodJob, Prompts, SamplingSettings

CHECKS = "checks"


class Watched(Protocol):
    """The settings of a method that a guard watches."""

    prompts: Prompts
    guard: GuardSettings
    training: LoopSettings


@dataclass(frozen=True)
class Watch:
    """What is needed to watch a training.

    Attributes:
        settings: of the method.
        sampling: how images are sampled.
        monitor: what the guard judges by.
        knowledge: labels and prompts.
        folder: of the checkpoints; the images of every check lie below `CHECKS` in it.
    """

    settings: Watched
    sampling: SamplingSettings
    monitor: Monitor
    knowledge: Knowledge
    folder: Path

    @classmethod
    def load(cls, settings: Watched, job: MethodJob, files: MethodFiles, folder: Path, device: str) -> "Watch":
        """Read what the files and the job of a method say of its monitor.

        Raises:
            CraftError: if a file or model is missing or does not belong to the others.
        """
        knowledge = Knowledge.load(files.knowledge)
        features = Features(files.features, read_texts(files.images), knowledge)
        (ref,) = (ref for ref in job.evaluators if ref.role == "monitor")
        maps = read_calibration(files.calibration, [ref.name])
        monitor = load_monitor(ref, features, files.images, maps, job.neighbours, device)
        return cls(settings, job.sampling, monitor, knowledge, folder)

    def guard(self, foundation: Foundation, parameters: list[nn.Parameter], sample: FixedSample) -> Guard:
        """The guard of the training of some parameters, which looks at a sample of `draw_fixed_sample`."""
        names = balanced_labels(list(self.knowledge.labels), len(sample.labels))
        keep, steps = partial(keep_check, self.folder / CHECKS, names), self.settings.training.steps
        return Guard(foundation, parameters, self.monitor, sample, self.sampling, self.settings.guard, steps, keep)

    def finish(self, foundation: Foundation, history: list[dict], guard: Guard) -> Trained:
        """What the training leaves behind; what the guard saw, in the main process only."""
        if not is_main_process():
            return Trained(foundation, history)
        checks = collect_checks(self.folder / CHECKS, [row["step"] for row in history if "monitor" in row])
        return Trained(foundation, history, guard.pictures, checks)


def load_monitor(
    ref: EvaluatorRef, features: Features, images: Path, maps: dict[str, Any], neighbours: int, device: str
) -> Monitor:
    """The monitor of a dataset; its real images are those of the split `calibration`.

    Args:
        ref: the evaluator of the role `monitor`.
        features: of the dataset.
        images: its image table.
        maps: its calibration (`read_calibration`).
        neighbours: k of the plausibility dimension.
        device: `cpu` or a GPU.
    """
    appearance = [measure_appearance(to_tensor(pixels)) for _, pixels in stream_pixels(images, "calibration")]
    return Monitor.of(
        Judge.load(ref, device),
        features.alignment(ref, maps, neighbours),
        torch.cat(appearance),
        *features.split(ref, "calibration"),
    )


def draw_fixed_sample(foundation: Foundation, settings: Watched, knowledge: Knowledge, seed: str) -> FixedSample:
    """The guard's noise, prompts and labels."""
    draws, labels = Draws("guard", seed), list(knowledge.labels)
    names = balanced_labels(labels, settings.guard.images)
    prompts = draw_prompts(knowledge, names, settings.prompts, draws)
    noise = draws.normal(len(names), *foundation.latent_shape)
    return FixedSample(noise, prompts, torch.tensor([labels.index(name) for name in names]))
