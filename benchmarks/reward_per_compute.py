"""Which settings buy most CAS of the monitor for their UNet evaluations: how defaults of the trainings are chosen.

Every way gets the same number of UNet evaluations: one for an image's forward pass through the UNet, two more for its
backward pass (activations are kept). Its gain is the mean CAS of the *monitor* on fixed noise after the training minus
before it; no guard stops a training, so that the ways differ in nothing else. The phantoms and seeds are those of
`choice.yaml`, which no table uses. The held-out evaluator is asked last and of one way only: `--held-out` reports the
way that gained most. Prepare the datasets first:

    snakemake --configfile benchmarks/choice.yaml --cores 2 -- \\
        results/choice/{dermoscopy,chest_xray}/{calibration.json,lora_enriched/seed500/adapter}
"""

import itertools
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any

import typer
from common import RESULTS, Metric, describe_device, record, report

from craft.core.cli import run
from craft.core.errors import CraftError
from craft.core.files import read_json

if TYPE_CHECKING:
    from torch import Tensor, nn

    from craft.pipeline.config import Config
    from craft.reward.cas import ClinicalAlignment
    from craft.reward.judge import Judge
    from craft.training.craft import RewardInputs
    from craft.training.settings import MethodJob

CHOICE = Path(__file__).parent / "choice.yaml"
NAME, UNIT = "reward_per_compute", "CAS per 1000 UNet evaluations"
AVERAGED, PROBED = {"ema": 0.95}, 4
# what a way changes of the reward method, or of the supervised method that it starts from
REWARD: dict[str, dict[str, Any]] = {
    "last_1": {"backprop": {"mode": "last", "steps": 1}},
    "last_2": {"backprop": {"mode": "last", "steps": 2}},
    "last_1_lv2": {"backprop": {"mode": "last", "steps": 1, "lv": 2}},
    "random": {"backprop": {"mode": "random"}},
    "refl": {"backprop": {"mode": "refl"}},
    "refl_ema": {"backprop": {"mode": "refl"}, "training": AVERAGED},
    "drtune_2": {"backprop": {"mode": "drtune", "steps": 2}},
    "full": {"backprop": {"mode": "full"}},
}
SUPERVISED: dict[str, dict[str, Any]] = {
    "supervised": {},
    "supervised_ema": {"training": AVERAGED},
    "supervised_min_snr": {"min_snr_gamma": 5.0},
}
WAYS = REWARD | SUPERVISED


def main(
    dataset: Annotated[list[str], typer.Option(help="dataset of the configuration; repeat for several")],
    config: Annotated[Path, typer.Option(help="configuration with a reward method, used by no table")] = CHOICE,
    way: Annotated[list[str], typer.Option(help=f"of {', '.join(WAYS)}; repeat for several, else all")] = tuple(WAYS),
    seed: Annotated[list[int], typer.Option(help="of a training's draws; repeat for several")] = (500,),
    evaluations: Annotated[int, typer.Option(help="UNet evaluations that every way may spend")] = 8000,
    images: Annotated[int, typer.Option(help="images of fixed noise that are judged")] = 96,
    held_out: Annotated[bool, typer.Option(help="ask the held-out judge of the way that gained most before")] = False,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Train every way for the same UNet evaluations and record the monitor's CAS that it gained."""
    import yaml

    from craft.pipeline.config import validate_config

    if unknown := [name for name in way if name not in WAYS]:
        raise CraftError(f"there is no way {unknown[0]!r}; write one of {', '.join(WAYS)}")
    run_config = validate_config(yaml.safe_load(config.read_text(encoding="utf-8")), str(config))
    judge, before = ("held_out", read_record(output)) if held_out else ("monitor", [])
    metrics = list(before)
    for name, each in itertools.product(dataset, [chosen_way(before)] if held_out else way):
        metrics.append(measure(run_config, name, each, list(seed), evaluations, images, judge))
        report(metrics[-1:])
    chosen = [f"--dataset {name}" for name in dataset] + [f"--way {name}" for name in way if set(way) != set(WAYS)]
    command = " ".join([f"python benchmarks/{NAME}.py", *chosen, *(f"--seed {number}" for number in seed)])
    command += f" --evaluations {evaluations} --images {images}"
    command += "; then the same with --held-out" if held_out else ""
    record(NAME, command, describe_device("cpu"), metrics, output)


def read_record(folder: Path) -> list[Metric]:
    """What was measured with the monitor.

    Raises:
        CraftError: if nothing was.
    """
    path = folder / f"{NAME}.json"
    if not path.is_file():
        raise CraftError(f"{path} is missing: choose with the monitor first, without `--held-out`")
    metrics = [Metric(**entry) for entry in read_json(path)["metrics"]]
    return [metric for metric in metrics if metric.metric.startswith("monitor_cas_gain_")]


def chosen_way(metrics: list[Metric]) -> str:
    """The way of backpropagation that gained most under the monitor, as a mean over the datasets."""
    gains = {way: [metric.value for metric in metrics if metric.conditions.startswith(f"{way}, ")] for way in REWARD}
    return max((way for way in gains if gains[way]), key=lambda way: mean(gains[way]))


def measure(
    config: "Config", dataset: str, way: str, seeds: list[int], budget: int, count: int, role: str = "monitor"
) -> Metric:
    """What one way gained under a judge within a budget of UNet evaluations.

    Args:
        config: of the run, whose results folder holds what the training needs.
        dataset: of the configuration.
        way: one of `WAYS`.
        seeds: name the draws of one training each.
        budget: UNet evaluations that a training may spend; it takes one step at least.
        count: images that are judged.
        role: whose CAS counts.
    """
    trial = Trial.load(config, dataset, way, role)
    gains, spent, means, seconds = [], [], [], 0.0
    before = trial.mean_cas(count)
    steps = max(1, round(budget / trial.cost(seeds[0])))
    for seed in seeds:
        trial.restart(seed)
        started = time.perf_counter()
        trial.train(seed, steps)
        seconds += time.perf_counter() - started
        spent.append(trial.counter.total)
        means.append(trial.mean_cas(count))
        gains.append(1000 * (means[-1] - before) / spent[-1])
    after = ", ".join(f"{value:.3f} (seed {seed})" for seed, value in zip(seeds, means, strict=True))
    conditions = (
        f"{way}, {dataset}, {steps} steps, {mean(spent):.0f} UNet evaluations, {seconds / len(seeds):.0f} s;"
        f" CAS of the role {role} {before:.3f} before, after {after} on {count} images"
    )
    return Metric(f"{role}_cas_gain_{dataset}_{way}", mean(gains), UNIT, "higher", None, conditions)


@dataclass(frozen=True)
class JudgedBy:
    """An evaluator and a vision encoder with their calibrated CAS."""

    judge: "Judge"
    alignment: "ClinicalAlignment"


@dataclass
class Trial:
    """One way's training, which can start again.

    Attributes:
        job: the method's job with the way's settings.
        inputs: what reward finetuning needs; its foundation is the one that is trained.
        judged_by: whose CAS counts.
        start: the parameters before the first step.
    """

    job: "MethodJob"
    inputs: "RewardInputs"
    judged_by: JudgedBy
    start: list["Tensor"]
    counter: "EvaluationCounter"

    @classmethod
    def load(cls, config: "Config", dataset: str, way: str, role: str) -> "Trial":
        """Read the files of a dataset.

        Raises:
            CraftError: if the configuration or its results folder lacks what the training needs.
        """
        import torch

        from craft.core.seeds import derive_seed
        from craft.models.foundation import Foundation
        from craft.pipeline.jobs import resolve_jobs
        from craft.training.prompts import all_prompts

        job, inputs, judged_by = load_dataset(config, dataset, role)
        if way in SUPERVISED:
            job = resolve_jobs(config)[f"{dataset}/{job.training.start}/seed{job.seed}/settings/train_adapter.yaml"]
            inputs = replace(inputs, foundation=Foundation.load(job.foundation))
            torch.manual_seed(derive_seed("adapter", "choice"))
            inputs.foundation.add_adapter(**dict(job.training.lora))
        inputs.foundation.remember_prompts(all_prompts(inputs.knowledge))
        settings = changed(job.training, WAYS[way])
        start = [parameter.detach().clone() for parameter in inputs.foundation.adapter_parameters(text=False)]
        counter = EvaluationCounter(inputs.foundation.unet)
        return cls(job.model_copy(update={"training": settings}), inputs, judged_by, start, counter)

    @property
    def parameters(self) -> list["nn.Parameter"]:
        """What is trained."""
        return self.inputs.foundation.adapter_parameters(text=False)

    def loss_at(self, seed: int) -> Callable:
        """The loss of a step."""
        from craft.training.craft import make_loss
        from craft.training.supervised import make_denoising_loss

        settings, inputs, name = self.job.training, self.inputs, f"{self.job.dataset}/choice/{seed}"
        if settings.kind == "reward":
            return make_loss(settings, self.job.sampling, inputs, name)
        return make_denoising_loss(inputs.foundation, settings, inputs.images, inputs.knowledge, name)

    def cost(self, seed: int) -> float:
        """Mean UNet evaluations of the first steps, from their losses and gradients; changes nothing."""
        return probe(self.loss_at(seed), self.parameters, self.counter, PROBED)

    def restart(self, seed: int) -> None:
        """Put the first parameters back and count anew."""
        import torch

        with torch.no_grad():
            for parameter, value in zip(self.parameters, self.start, strict=True):
                parameter.copy_(value)
        self.counter.reset()

    def train(self, seed: int, steps: int) -> None:
        """Take so many steps."""
        from craft.training.loop import fit

        loop = self.job.training.training.model_copy(update={"steps": steps, "warmup_steps": min(5, steps)})
        with tempfile.TemporaryDirectory() as checkpoints:
            fit(self.parameters, loop, self.loss_at(seed), Path(checkpoints))

    def mean_cas(self, count: int) -> float:
        """Mean CAS of the judge on images of fixed noise and enriched prompts."""
        import torch

        from craft.core.seeds import Draws
        from craft.training.prompts import balanced_labels, draw_prompts
        from craft.training.sampler import generate

        foundation, knowledge = self.inputs.foundation, self.inputs.knowledge
        draws, labels = Draws("reward per compute"), list(knowledge.labels)
        names = balanced_labels(labels, count)
        prompts = draw_prompts(knowledge, names, "enriched", draws)
        images = generate(foundation, prompts, draws.normal(count, *foundation.latent_shape), self.job.sampling)
        numbers = torch.tensor([labels.index(name) for name in names])
        return self.judged_by.alignment.cas(self.judged_by.judge.embed(images), numbers).mean().item()


def changed(settings: Any, changes: dict[str, Any]) -> Any:
    """The settings of a method with some of its keys replaced; sections are merged."""
    values = settings.model_dump()
    for key, value in changes.items():
        values[key] = values[key] | value if key == "training" else value
    return type(settings)(**values)


def load_dataset(config: "Config", dataset: str, role: str) -> tuple["MethodJob", "RewardInputs", JudgedBy]:
    """The job of the first reward method on a dataset, what its training needs, and the judge of a role.

    Raises:
        CraftError: if the configuration or its results folder lacks one of them.
    """
    from craft.core.images import read_images
    from craft.pipeline.jobs import evaluator_refs, resolve_jobs
    from craft.reward.features import Features, read_calibration
    from craft.reward.judge import Judge
    from craft.training.craft import load_inputs
    from craft.training.methods.base import MethodFiles

    method = next((name for name, method in config.methods.items() if method.kind == "reward"), None)
    if method is None or dataset not in config.datasets:
        lacking = "method of kind `reward`" if method is None else f"dataset {dataset!r}"
        raise CraftError(f"the configuration has no {lacking}; add it, or name another file with `--config`")
    seed = config.seeds[0]
    job = resolve_jobs(config)[f"{dataset}/{method}/seed{seed}/settings/finetune_reward.yaml"]
    folder = Path(config.results) / dataset
    files = MethodFiles(
        images=folder / "images.parquet",
        latents=folder / "latents.safetensors",
        knowledge=folder / "knowledge.yaml",
        features=folder / "features.safetensors",
        calibration=folder / "calibration.json",
        start=folder / job.training.start / f"seed{seed}/adapter",
    )
    inputs = load_inputs(job.training, job, files, "cpu")
    ref = evaluator_refs(config, role)[0]
    known = Features(files.features, read_images(files.images), inputs.knowledge)
    alignment = known.alignment(ref, read_calibration(files.calibration, [ref.name]), job.neighbours)
    return job, inputs, JudgedBy(Judge.load(ref), alignment)


class EvaluationCounter:
    """Counts an image's forward pass through the UNet as one evaluation and its backward pass as two."""

    def __init__(self, unet):
        self.total = 0
        unet.register_forward_hook(self.after_forward)

    def reset(self) -> None:
        self.total = 0

    def after_forward(self, module, arguments, output) -> None:
        prediction = output.sample
        self.total += len(prediction)
        if prediction.requires_grad:
            prediction.register_hook(self.after_backward)

    def after_backward(self, gradient) -> None:
        self.total += 2 * len(gradient)


def probe(loss_at, parameters, counter: EvaluationCounter, steps: int = 1) -> float:
    """Mean UNet evaluations of the first steps, from their losses and gradients; changes no parameter."""
    from craft.training.parts import Part

    counter.reset()
    for number in range(1, steps + 1):
        loss, _ = loss_at(Part(number))
        loss.backward()
        for parameter in parameters:
            parameter.grad = None
    return counter.total / steps


if __name__ == "__main__":
    run(main)
