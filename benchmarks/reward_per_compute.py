"""Which way of backpropagation buys most out-of-family CAS for its UNet evaluations, on the phantoms.

Every way gets the same number of UNet evaluations: one for an image's forward pass through the UNet, two more for its
backward pass. The gain is the mean CAS of the held-out evaluator on fixed noise after the training minus before it; no
guard stops a run, so that only the gradient differs. The default run must have prepared the datasets:
`snakemake results/DATASET/lora_enriched/seed0/adapter results/DATASET/calibration.json`.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run

sys.path.insert(0, str(Path(__file__).parent))

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
    evaluations: Annotated[int, typer.Option(help="UNet evaluations that every way may spend")] = 8000,
    images: Annotated[int, typer.Option(help="images of fixed noise that are judged")] = 96,
) -> None:
    """Train every way for the same UNet evaluations and record the out-of-family CAS that it gained."""
    import yaml
    from common import Metric, describe_device, record, report

    from craft.core.config.run import validate_config

    settings = validate_config(yaml.safe_load(config.read_text(encoding="utf-8")), str(config))
    metrics = []
    for name in dataset:
        for way in WAYS:
            gained = measure(settings, name, way, evaluations, images)
            conditions = (
                f"{name}, {gained['steps']} steps, {gained['evaluations']} UNet evaluations, {gained['seconds']:.0f} s;"
                f" held-out CAS {gained['before']:.3f} before, {gained['after']:.3f} after on {images} images, one seed"
            )
            value = 1000 * (gained["after"] - gained["before"]) / gained["evaluations"]
            unit = "CAS per 1000 UNet evaluations"
            metrics.append(Metric(f"cas_gain_{name}_{way}", value, unit, "higher", None, conditions))
            report(metrics[-1:])
    command = " ".join(["python benchmarks/reward_per_compute.py", *(f"--dataset {name}" for name in dataset)])
    record("reward_per_compute", command, describe_device("cpu"), metrics)


def measure(config, dataset: str, way: str, budget: int, count: int) -> dict:
    """Held-out CAS before and after a training of one way within a budget of UNet evaluations."""
    from craft.core.config.methods import Backprop, Compute
    from craft.core.images import read_images
    from craft.core.resolve import evaluator_refs, resolve_settings
    from craft.models.evaluators import ImageTextEvaluator
    from craft.reward.features import Features, read_calibration
    from craft.training.craft import make_loss
    from craft.training.ingredients import Ingredients
    from craft.training.loop import fit
    from craft.training.prompts import all_prompts

    method = next(name for name, spec in config.methods.items() if spec.kind == "reward")
    job = resolve_settings(config)[f"{dataset}/{method}/seed0/settings/finetune_reward.yaml"]
    folder = Path(config.results) / dataset
    files = {"images": folder / "images.parquet"}
    files |= {name: folder / f"{name}.safetensors" for name in ("latents", "features")}
    files |= {"knowledge": folder / "knowledge.yaml", "calibration": folder / "calibration.json"}
    given = Ingredients.load(job, **files, start=folder / job.spec.start / "seed0/adapter")
    held_out = evaluator_refs(config, "held_out")[0]
    known = Features(files["features"], read_images(files["images"]), given.book)
    alignment = known.alignment(held_out.name, read_calibration(files["calibration"], [held_out.name]), job.neighbours)
    judge = ImageTextEvaluator.load(held_out.path)

    spec = job.spec.model_copy(update={"backprop": Backprop(**WAYS[way]), "compute": Compute(checkpointing=False)})
    parameters = given.foundation.adapter_parameters(text=False)
    given.foundation.remember_prompts(all_prompts(given.book))
    counter = EvaluationCounter(given.foundation.unet)
    before = mean_cas(given, job.sampling, judge, alignment, count)
    loss_at = make_loss(spec, job.sampling, given, f"{dataset}/{way}")
    counter.reset()
    cost = probe(loss_at, parameters, counter)
    steps = max(1, budget // cost)
    training = spec.training.model_copy(update={"steps": steps, "warmup_steps": min(5, steps)})
    counter.reset()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as checkpoints:
        fit(parameters, training, loss_at, Path(checkpoints))
    spent = {"steps": steps, "evaluations": counter.total, "seconds": time.perf_counter() - started}
    return spent | {"before": before, "after": mean_cas(given, job.sampling, judge, alignment, count)}


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


def mean_cas(given, sampling, judge, alignment, count: int) -> float:
    """Mean CAS of a held-out evaluator on images of fixed noise and enriched prompts."""
    import torch

    from craft.core.seeds import Draws
    from craft.training.craft import balanced_labels
    from craft.training.prompts import draw_prompts
    from craft.training.sampler import generate

    draws, labels = Draws("reward per compute"), list(given.book.labels)
    names = balanced_labels(labels, count)
    prompts = draw_prompts(given.book, names, "enriched", draws)
    images = generate(given.foundation, prompts, draws.normal(count, *given.foundation.latent_shape), sampling)
    numbers = torch.tensor([labels.index(name) for name in names])
    return alignment.cas(judge.embed(images), numbers).mean().item()


if __name__ == "__main__":
    run(main)
