"""Every kind of method: its first losses are known, its objective falls, and what it leaves behind loads again."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from drawn import all_files_of, files_of, make_dataset, make_job
from tiny import tiny_knowledge

from craft.core.seeds import Draws
from craft.models.foundation import Foundation
from craft.models.metering import Meter
from craft.training import craft, supervised
from craft.training.loop import LossAt, fit
from craft.training.methods.base import Trained
from craft.training.parts import Part
from craft.training.prompts import draw_prompts
from craft.training.sampler import generate
from craft.training.settings import MethodJob, SamplingSettings

SAMPLING = SamplingSettings(steps=2, guidance_scale=2.0)
LOOP = {"steps": 12, "batch": 4, "warmup_steps": 1, "learning_rate": 1e-2}
LORA = {"rank": 2, "alpha": 2}
WATCH = {"acts": False, "every": 1000, "images": 2}
SUPERVISED = {
    "full": {"kind": "full", "prompts": "enriched"},
    "textual_inversion": {"kind": "textual_inversion"},
    "textual_inversion_lora": {"kind": "textual_inversion", "lora": LORA},
    "prior_preservation": {"kind": "prior_preservation", "prompts": "plain", "lora": LORA, "prior_images": 6},
}
POOLED = {
    name: {"kind": name, "start": None, "lora": LORA, "pool": 6, "guard": WATCH} for name in ("rejection", "rwr", "dpo")
}
SIMILARITY = {"reward": "prompt_similarity", "match": "maximise", "beta": 0, "gamma": 0, "augment": False}
REWARD = {"kind": "reward", "start": None, "lora": LORA, "guard": WATCH, "prompts": "plain", "objective": SIMILARITY}
REWARDED = {
    "alignprop": REWARD | {"backprop": {"mode": "last", "steps": 1}},
    "refl": REWARD | {"backprop": {"mode": "refl"}, "objective": {"match": "maximise", "beta": 0, "gamma": 1.0}},
}
KINDS = SUPERVISED | POOLED | REWARDED
# losses of the first two steps, which no later step can change
GOLDEN = {
    "full": [0.3468, 0.3492],
    "textual_inversion": [0.4695, 0.7044],
    "textual_inversion_lora": [0.4695, 0.7054],
    "prior_preservation": [1.082, 1.2391],
    "rejection": [0.686, 0.5698],
    "rwr": [0.7015, 0.5626],
    "dpo": [0.6931, 0.5595],
    "alignprop": [0.8942, 0.8977],
    "refl": [1.1796, 0.7638],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    make_dataset(folder)
    return folder


@torch.no_grad()
def objective(loss_at: LossAt, meter: Meter) -> float:
    """Mean of the objective over six fixed batches; they cost the training nothing."""
    spent = meter.evaluations
    found = [loss_at(Part(step))[0].item() for step in range(1, 7)]
    meter.evaluations = spent
    return sum(found) / len(found)


@dataclass
class Run:
    """A finished training, its objective before and after it, and the folder of what it left behind."""

    name: str
    job: MethodJob
    trained: Trained
    objectives: list[float]
    adapter: Path


def train(folder: Path, settings: dict, output: Path, start: Path | None = None) -> Run:
    """Train a method on the dataset of a folder."""
    objectives = []

    def measured(parameters, training, loss_at, *arguments, meter, **options):
        objectives.append(objective(loss_at, meter))
        history = fit(parameters, training, loss_at, *arguments, meter=meter, **options)
        objectives.append(objective(loss_at, meter))
        return history

    job = make_job(folder, settings | {"training": LOOP})
    files = (all_files_of if job.training.roles else files_of)(folder, start=start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(craft, "fit", measured)
        patch.setattr(supervised, "fit", measured)
        trained = job.training.train(job, files, output / "checkpoints", "cpu")
    trained.save(job, output / "adapter", output / "history.parquet")
    return Run("", job, trained, objectives, output / "adapter")


@pytest.fixture(scope="module", params=KINDS)
def run(request, folder, tmp_path_factory) -> Run:
    """Every kind, trained from the foundation."""
    return replace(train(folder, KINDS[request.param], tmp_path_factory.mktemp("run")), name=request.param)


def images_of(foundation: Foundation, style: str) -> torch.Tensor:
    """An image of a label, in one style of prompts."""
    knowledge = tiny_knowledge()
    prompts = draw_prompts(knowledge, ["melanoma"], style, Draws("test"))
    noise = torch.randn(1, *foundation.latent_shape, generator=torch.Generator().manual_seed(0))
    return generate(foundation, prompts, noise, SAMPLING)


def test_the_losses_of_two_steps_are_the_golden_ones(run):
    losses = [row["loss"] for row in run.trained.history if row["step"]][:2]
    assert losses == pytest.approx(GOLDEN[run.name], abs=2e-3)


def test_the_objective_falls(run):
    before, after = run.objectives
    assert after < before


def test_the_unet_evaluations_of_a_training_are_those_that_its_settings_foretell(run):
    spent = run.trained.history[-1]
    assert spent["unet_evaluations"] == run.job.training.evaluations(SAMPLING)
    assert spent["cpu_seconds"] > 0 and spent["gpu_seconds"] == 0


def test_what_it_leaves_behind_loads_into_the_same_images(run):
    style = run.job.training.prompts
    loaded = Foundation.load(run.job.foundation.path, adapter=run.adapter)
    untouched = images_of(Foundation.load(run.job.foundation.path), style)
    expected = images_of(run.trained.foundation, style)
    assert torch.allclose(images_of(loaded, style), expected, atol=1e-5)
    assert not torch.allclose(untouched, expected, atol=1e-4)


def test_preferences_start_where_neither_image_is_preferred(folder):
    assert GOLDEN["dpo"][0] == pytest.approx(math.log(2), abs=1e-3)


@pytest.mark.parametrize("parent", ["full", "textual_inversion"])
def test_what_starts_from_another_methods_result_carries_it_along(parent, folder, tmp_path):
    first = train(folder, SUPERVISED[parent], tmp_path / "parent")
    style = first.job.training.prompts
    settings = {"kind": "supervised", "prompts": style, "lora": LORA}
    child = train(folder, settings, tmp_path / "child", start=first.adapter)
    names = {path.name for path in child.adapter.iterdir()}
    kept = {"full": "unet", "textual_inversion": "words"}[parent]
    assert names == {kept, "pytorch_lora_weights.safetensors", "settings.yaml"}
    for path in (file for file in first.adapter.rglob("*.safetensors")):
        assert path.read_bytes() == (child.adapter / path.relative_to(first.adapter)).read_bytes()
    loaded = Foundation.load(child.job.foundation.path, adapter=child.adapter)
    expected = images_of(child.trained.foundation, style)
    assert torch.allclose(images_of(loaded, style), expected, atol=1e-5)
    assert not torch.allclose(
        images_of(Foundation.load(first.job.foundation.path, first.adapter), style), expected, atol=1e-4
    )


def test_the_whole_unet_takes_up_the_lora_weights_that_it_starts_from(folder, tmp_path):
    parent = train(folder, {"kind": "supervised", "prompts": "plain", "lora": LORA}, tmp_path / "parent")
    still = {"kind": "full", "prompts": "plain", "training": {"learning_rate": 1e-9}}
    job = make_job(folder, still | {"training": LOOP | {"steps": 1, "learning_rate": 1e-12}})
    trained = job.training.train(job, files_of(folder, start=parent.adapter), tmp_path / "checkpoints", "cpu")
    assert not trained.foundation.has_adapter
    expected = images_of(parent.trained.foundation, "plain")
    assert torch.allclose(images_of(trained.foundation, "plain"), expected, atol=1e-4)


def test_a_reward_method_without_lora_weights_to_start_from_is_anchored_to_that_start(folder, tmp_path):
    parent = train(folder, SUPERVISED["full"], tmp_path / "parent")
    settings = REWARD | {"objective": {"beta": 1.0, "gamma": 0}}
    history = train(folder, settings, tmp_path / "reward", start=parent.adapter).trained.history
    assert history[1]["anchor"] == pytest.approx(0.0, abs=1e-9) and history[-1]["anchor"] > 0


def test_a_guard_that_only_watches_keeps_the_last_state(folder, tmp_path):
    run = train(folder, POOLED["rwr"] | {"guard": WATCH | {"patience": 1, "min_plausibility": 1.0}}, tmp_path)
    checks = [row for row in run.trained.history if "monitor" in row]
    assert [row["step"] for row in checks] == [0, LOOP["steps"]]
    assert [row["best"] for row in checks] == [False, True] and not any(row["fault"] for row in checks)


def test_a_guard_chooses_the_state_of_a_supervised_method_and_its_checks_count(folder, tmp_path):
    guard = {"every": 5, "images": 2, "patience": 9, "min_diversity": 0, "min_plausibility": 0, "max_shift": 99}
    run = train(folder, SUPERVISED["full"] | {"guard": guard}, tmp_path)
    steps = [row["step"] for row in run.trained.history if "monitor" in row]
    assert run.job.training.rule == "finetune_reward" and steps == [0, 5, 10, 12]
    assert sum(row.get("best", False) for row in run.trained.history) == 1
    assert run.trained.checks["step"].unique().tolist() == steps and len(run.trained.pictures) == len(steps)
    assert run.trained.history[-1]["unet_evaluations"] == 3 * 4 * 12 + 4 * 2 * SAMPLING.evaluations
