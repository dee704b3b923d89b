"""Which way of backpropagation buys most out-of-family CAS for its UNet evaluations, on the phantoms.

Every way gets the same number of UNet evaluations: one for an image's forward pass through the UNet, two more for its
backward pass. The gain is the mean CAS of the held-out evaluator on fixed noise after the training minus before it; no
guard stops a training, so that only the gradient differs. The default run must have prepared the datasets:
`snakemake results/DATASET/lora_enriched/seed0/adapter results/DATASET/calibration.json`.
"""

import itertools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from common import RESULTS, Metric, describe_device, record, report

from craft.core.cli import run
from craft.core.errors import CraftError

if TYPE_CHECKING:
    from craft.pipeline.config import Config
    from craft.reward.cas import ClinicalAlignment
    from craft.reward.judge import Judge
    from craft.training.craft import RewardInputs
    from craft.training.settings import MethodJob, SamplingSettings

WAYS = {
    "last_1": {"mode": "last", "steps": 1},
    "last_2": {"mode": "last", "steps": 2},
    "last_1_lv2": {"mode": "last", "steps": 1, "lv": 2},
    "random": {"mode": "random"},
    "refl": {"mode": "refl"},
    "drtune_2": {"mode": "drtune", "steps": 2},
    "full": {"mode": "full"},
}


def main(
    dataset: Annotated[list[str], typer.Option(help="dataset of the configuration; repeat for several")],
    config: Annotated[Path, typer.Option(help="configuration with a reward method")] = Path("config.yaml"),
    way: Annotated[list[str], typer.Option(help=f"of {', '.join(WAYS)}; repeat for several, else all")] = tuple(WAYS),
    evaluations: Annotated[int, typer.Option(help="UNet evaluations that every way may spend")] = 8000,
    images: Annotated[int, typer.Option(help="images of fixed noise that are judged")] = 96,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Train every way for the same UNet evaluations and record the out-of-family CAS that it gained."""
    import yaml

    from craft.pipeline.config import validate_config

    if unknown := [name for name in way if name not in WAYS]:
        raise CraftError(f"there is no way {unknown[0]!r}; write one of {', '.join(WAYS)}")
    run_config = validate_config(yaml.safe_load(config.read_text(encoding="utf-8")), str(config))
    metrics = []
    for name, each in itertools.product(dataset, way):
        gained = measure(run_config, name, each, evaluations, images)
        conditions = (
            f"{name}, {gained['steps']} steps, {gained['evaluations']} UNet evaluations, {gained['seconds']:.0f} s;"
            f" held-out CAS {gained['before']:.3f} before, {gained['after']:.3f} after on {images} images, one seed"
        )
        value = 1000 * (gained["after"] - gained["before"]) / gained["evaluations"]
        unit = "CAS per 1000 UNet evaluations"
        metrics.append(Metric(f"cas_gain_{name}_{each}", value, unit, "higher", None, conditions))
        report(metrics[-1:])
    chosen = [f"--dataset {name}" for name in dataset] + [f"--way {name}" for name in way if set(way) != set(WAYS)]
    command = " ".join(["python benchmarks/reward_per_compute.py", *chosen])
    command += f" --evaluations {evaluations} --images {images}"
    record("reward_per_compute", command, describe_device("cpu"), metrics, output)


def measure(config: "Config", dataset: str, way: str, budget: int, count: int) -> dict[str, float]:
    """Held-out CAS before and after a training of one way within a budget of UNet evaluations.

    Args:
        config: of the run, whose results folder holds what the training needs.
        dataset: of the configuration.
        way: one of `WAYS`.
        budget: UNet evaluations that the training may spend; it takes one step at least.
        count: images that are judged.
    """
    from craft.training.craft import make_loss
    from craft.training.loop import fit
    from craft.training.prompts import all_prompts
    from craft.training.settings import BackpropSettings

    job, inputs, held_out = load_dataset(config, dataset)
    settings = job.training.model_copy(update={"backprop": BackpropSettings(**WAYS[way])})
    parameters = inputs.foundation.adapter_parameters(text=False)
    inputs.foundation.remember_prompts(all_prompts(inputs.knowledge))
    counter = EvaluationCounter(inputs.foundation.unet)
    before = mean_cas(inputs, job.sampling, held_out, count)
    loss_at = make_loss(settings, job.sampling, inputs, f"{dataset}/{way}")
    counter.reset()
    cost = probe(loss_at, parameters, counter)
    steps = max(1, budget // cost)
    training = settings.training.model_copy(update={"steps": steps, "warmup_steps": min(5, steps)})
    counter.reset()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as checkpoints:
        fit(parameters, training, loss_at, Path(checkpoints))
    spent = {"steps": steps, "evaluations": counter.total, "seconds": time.perf_counter() - started}
    return spent | {"before": before, "after": mean_cas(inputs, job.sampling, held_out, count)}


def load_dataset(config: "Config", dataset: str) -> tuple["MethodJob", "RewardInputs", "HeldOut"]:
    """The job of the first reward method on a dataset, what its training needs, and the held-out judge.

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
    ref = evaluator_refs(config, "held_out")[0]
    known = Features(files.features, read_images(files.images), inputs.knowledge)
    alignment = known.alignment(ref, read_calibration(files.calibration, [ref.name]), job.neighbours)
    return job, inputs, HeldOut(Judge.load(ref), alignment)


@dataclass(frozen=True)
class HeldOut:
    """An evaluator and a vision encoder that the training never sees, and their calibrated CAS."""

    judge: "Judge"
    alignment: "ClinicalAlignment"


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


def probe(loss_at, parameters, counter: EvaluationCounter) -> int:
    """UNet evaluations of one step, from its loss and gradient; changes nothing."""
    from craft.training.parts import Part

    loss, _ = loss_at(Part(1))
    loss.backward()
    for parameter in parameters:
        parameter.grad = None
    return counter.total


def mean_cas(inputs: "RewardInputs", sampling: "SamplingSettings", held_out: HeldOut, count: int) -> float:
    """Mean CAS of a held-out judge on images of fixed noise and enriched prompts."""
    import torch

    from craft.core.seeds import Draws
    from craft.training.craft import balanced_labels
    from craft.training.prompts import draw_prompts
    from craft.training.sampler import generate

    foundation, knowledge = inputs.foundation, inputs.knowledge
    draws, labels = Draws("reward per compute"), list(knowledge.labels)
    names = balanced_labels(labels, count)
    prompts = draw_prompts(knowledge, names, "enriched", draws)
    images = generate(foundation, prompts, draws.normal(count, *foundation.latent_shape), sampling)
    numbers = torch.tensor([labels.index(name) for name in names])
    return held_out.alignment.cas(held_out.judge.embed(images), numbers).mean().item()


if __name__ == "__main__":
    run(main)
