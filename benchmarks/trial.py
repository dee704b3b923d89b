"""One way of training, tried within a budget of UNet evaluations: what its states reach under a judge."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from ways import RECIPES, SUPERVISED, WAYS, changed

from craft.core.errors import CraftError
from craft.core.images import read_images
from craft.core.seeds import Draws, derive_seed
from craft.evaluation.fidelity.metrics import label_diversity
from craft.models.foundation import Foundation
from craft.models.metering import Meter
from craft.pipeline.config import Config
from craft.pipeline.jobs import resolve_jobs
from craft.pipeline.models import evaluator_refs
from craft.reward.cas import ClinicalAlignment
from craft.reward.feature_file import read_calibration
from craft.reward.features import Features
from craft.reward.judge import Judge
from craft.training.craft import CraftLoss, RewardInputs, draw_fixed_sample, load_inputs
from craft.training.guard import Guard
from craft.training.loop import LossAt, Observer, fit
from craft.training.methods.base import MethodFiles
from craft.training.parts import Part
from craft.training.prompts import all_prompts, balanced_labels, draw_prompts
from craft.training.sampler import generate
from craft.training.settings import MethodJob
from craft.training.supervised import make_denoising_loss

# steps whose cost is counted beforehand; in mode `direct` they should be a multiple of `uses`
PROBED = 8


@dataclass(frozen=True)
class State:
    """A state of a training.

    Attributes:
        evaluations: UNet evaluations that it took.
        cas: mean CAS of the judge on images of fixed noise.
        diversity: of these images within labels, as a share of real images'.
    """

    evaluations: int
    cas: float
    diversity: float


def probe(loss_at: LossAt, parameters: list[nn.Parameter], meter: Meter, steps: int = 1) -> list[int]:
    """UNet evaluations of each of the first steps, from their losses and gradients; changes no parameter."""
    costs = []
    for number in range(1, steps + 1):
        before = meter.evaluations
        loss, _ = loss_at(Part(number))
        loss.backward()
        for parameter in parameters:
            parameter.grad = None
        costs.append(meter.evaluations - before)
    return costs


@dataclass(frozen=True)
class JudgedBy:
    """A judge's calibrated CAS, and the diversity of real images within labels under its vision encoder."""

    judge: Judge
    alignment: ClinicalAlignment
    real_diversity: float

    @classmethod
    def load(cls, config: Config, inputs: RewardInputs, files: MethodFiles, neighbours: int, role: str) -> "JudgedBy":
        """The judge of a role; its real images are those of the split `calibration`."""
        ref, frame = evaluator_refs(config, role)[0], read_images(files.images)
        known = Features(files.features, frame, inputs.knowledge)
        alignment = known.alignment(ref, read_calibration(files.calibration, [ref.name]), neighbours)
        features, labels = known.split(ref, "calibration")
        return cls(Judge.load(ref), alignment, mean_diversity(features.visual, labels))


def mean_diversity(features: Tensor, labels: Tensor) -> float:
    """Mean cosine distance of two images of a label, labels weighing alike, as the tables of fidelity give it."""
    return float(label_diversity(features.numpy(), labels.numpy(), np.ones((1, len(labels))))[0])


@dataclass
class Trial:
    """One way's training, which can start again.

    Attributes:
        job: the method's job with the way's settings.
        inputs: what reward finetuning needs; its foundation is the one that is trained.
        judged_by: whose CAS and diversity count.
        guarded: whether the guard checks the training, and its evaluations count.
        images: how many are judged.
        parameters: what is trained.
        start: the parameters before the first step.
    """

    job: MethodJob
    inputs: RewardInputs
    judged_by: JudgedBy
    guarded: bool
    images: int
    parameters: list[nn.Parameter]
    start: list[Tensor]

    @classmethod
    def load(cls, config: Config, dataset: str, way: str, role: str, images: int) -> "Trial":
        """Read the files of a dataset.

        Raises:
            CraftError: if the configuration or its results folder lacks what the training needs.
        """
        job, files = find_job(config, dataset)
        reward = job.training if way in SUPERVISED else changed(job.training, WAYS[way])
        inputs = load_inputs(reward, job, files, "cpu")
        judged_by = JudgedBy.load(config, inputs, files, job.neighbours, role)
        settings = reward
        if way in SUPERVISED:
            job = resolve_jobs(config)[f"{dataset}/{job.training.start}/seed{job.seed}/settings/train_adapter.yaml"]
            settings = changed(job.training, WAYS[way])
            inputs = replace(inputs, foundation=Foundation.load(job.foundation.path))
            torch.manual_seed(derive_seed("adapter", "choice"))
            parameters = settings.parameters(inputs.foundation, inputs.knowledge)
        else:
            parameters = inputs.foundation.adapter_parameters(text=False)
        inputs.foundation.remember_prompts(all_prompts(inputs.knowledge))
        start = [parameter.detach().clone() for parameter in parameters]
        job = job.model_copy(update={"training": settings})
        return cls(job, inputs, judged_by, way not in RECIPES | SUPERVISED, images, parameters, start)

    @property
    def meter(self) -> Meter:
        """Of UNet evaluations."""
        return self.inputs.foundation.meter

    def seed_name(self, seed: int) -> str:
        """Names the random draws of a training."""
        return f"{self.job.dataset}/choice/{seed}"

    def loss(self, seed: int) -> LossAt:
        """The loss of a step."""
        settings, inputs, name = self.job.training, self.inputs, self.seed_name(seed)
        if settings.kind == "reward":
            return CraftLoss(settings, self.job.sampling, inputs, name)
        return make_denoising_loss(inputs.foundation, settings, inputs.images, inputs.knowledge, name)

    def steps_within(self, budget: int, seed: int) -> int:
        """Optimiser steps, one at least, that so many UNet evaluations pay for, with the guard's checks."""
        first, *later = probe(self.loss(seed), self.parameters, self.meter, 1 + PROBED)
        step = sum(later) / len(later)

        def cost(steps: int) -> float:
            checks = self.job.training.guard.evaluations(steps, self.job.sampling) if self.guarded else 0
            return first + step * (steps - 1) + checks

        steps = 1
        while abs(cost(steps + 1) - budget) <= abs(cost(steps) - budget):
            steps += 1
        return steps

    def run(self, seed: int, steps: int, states: int) -> list[State]:
        """Train from the start; the start, states evenly spread over the steps, and the one that the guard keeps."""
        with torch.no_grad():
            for parameter, value in zip(self.parameters, self.start, strict=True):
                parameter.copy_(value)
        self.meter.evaluations = 0
        loop = self.job.training.training.model_copy(update={"steps": steps, "warmup_steps": min(5, steps)})
        loss, watch = self.loss(seed), Watch(self, self.make_guard(seed, steps), steps, states)
        memory = loss if isinstance(loss, CraftLoss) else None
        with tempfile.TemporaryDirectory() as checkpoints:
            fit(self.parameters, loop, loss, Path(checkpoints), watch, memory=memory)
        return [*watch.states, self.measure()] if self.guarded else watch.states

    def make_guard(self, seed: int, steps: int) -> Guard | None:
        """The guard of a training, where it has one."""
        if not self.guarded:
            return None
        settings, inputs = self.job.training, self.inputs
        sample = draw_fixed_sample(inputs.foundation, settings, inputs.knowledge, self.seed_name(seed))
        watched = (inputs.monitor, sample, self.job.sampling, settings.guard)
        return Guard(inputs.foundation, self.parameters, *watched, steps)

    def measure(self) -> State:
        """What the judge makes of images of fixed noise and enriched prompts; their evaluations do not count."""
        foundation, knowledge, judged_by = self.inputs.foundation, self.inputs.knowledge, self.judged_by
        draws, labels = Draws("reward per compute"), list(knowledge.labels)
        names = balanced_labels(labels, self.images)
        prompts = draw_prompts(knowledge, names, "enriched", draws)
        noise = draws.normal(self.images, *foundation.latent_shape)
        spent = self.meter.evaluations
        features = judged_by.judge.embed(generate(foundation, prompts, noise, self.job.sampling))
        self.meter.evaluations = spent
        numbers = torch.tensor([labels.index(name) for name in names])
        diversity = mean_diversity(features.visual, numbers) / judged_by.real_diversity
        return State(spent, judged_by.alignment.cas(features, numbers).mean().item(), diversity)


class Watch(Observer):
    """Measures the start and `count` states of a trial, and lets its guard check it."""

    def __init__(self, trial: Trial, guard: Guard | None, steps: int, count: int):
        self.trial, self.guard = trial, guard or Observer()
        self.due = {0} | {round(steps * number / count) for number in range(1, count + 1)}
        self.states: list[State] = []

    def check(self, history: list[dict]) -> str | None:
        """See `Observer.check`."""
        reason = self.guard.check(history)
        if history[-1]["step"] in self.due:
            self.states.append(self.trial.measure())
        return reason

    def finish(self) -> None:
        """See `Observer.finish`."""
        self.guard.finish()


def find_job(config: Config, dataset: str) -> tuple[MethodJob, MethodFiles]:
    """The job of the first reward method on a dataset, and the files that it reads.

    Raises:
        CraftError: if the configuration lacks one of them.
    """
    method = next((name for name, method in config.methods.items() if method.kind == "reward"), None)
    if method is None or dataset not in config.datasets:
        lacking = "method of kind `reward`" if method is None else f"dataset {dataset!r}"
        raise CraftError(f"the configuration has no {lacking}; add it, or name another file with `--config`")
    seed = config.seeds[0]
    job = resolve_jobs(config)[f"{dataset}/{method}/seed{seed}/settings/finetune_reward.yaml"]
    folder = Path(config.results) / dataset
    return job, MethodFiles(
        images=folder / "images.parquet",
        latents=folder / "latents.safetensors",
        knowledge=folder / "knowledge.yaml",
        features=folder / "features.safetensors",
        calibration=folder / "calibration.json",
        start=folder / job.training.start / f"seed{seed}/adapter",
    )
