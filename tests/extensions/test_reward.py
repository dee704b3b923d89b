"""A user's own reward: twenty lines that reward finetuning trains on."""

from pathlib import Path

import pytest
import torch
from runs import make_adapter, make_alignment, make_reward, reward_method, reward_run
from tiny import tiny_judge

from craft.core.seeds import Draws
from craft.pipeline.config import validate_config
from craft.reward.settings import ObjectiveSettings

CODE = (Path(__file__).parents[2] / "docs/examples/reward.py").read_text()
CRAFT = {"kind": "reward", "start": "lora_enriched", "objective": {"reward": "weakest"}}


@pytest.fixture(scope="module")
def objective(configure) -> ObjectiveSettings:
    """The objective that a configuration names."""
    return validate_config(configure(methods={"craft": CRAFT})).methods["craft"].objective


def test_it_takes_about_twenty_lines():
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 20


def test_the_finetuning_alone_depends_on_the_file(resolve, dependents):
    jobs = resolve(methods={"craft": CRAFT, "other": {"kind": "reward", "start": "lora_enriched"}})
    assert dependents(jobs) == {"dermoscopy/craft/seed0/settings/finetune_reward.yaml"}


def test_its_gradient_reaches_the_pixels_and_following_it_raises_it(objective):
    judge, generator = tiny_judge(), torch.Generator().manual_seed(0)
    real, labels = torch.rand(10, 3, 32, 32, generator=generator), torch.arange(10) % 2
    reward = make_reward(judge, make_alignment(judge), objective, real, labels)
    reward.matching.levels.fill_(1.0)
    pixels = torch.rand(4, 3, 32, 32, generator=generator).requires_grad_(True)
    scored = reward(pixels, labels[:4], Draws("reward"))
    lowest = scored.dimensions.amin(1)
    assert (lowest <= scored.reward).all() and (scored.reward < scored.dimensions.mean(1)).all()
    (gradient,) = torch.autograd.grad(reward.matching(scored, scored[:0]), pixels)
    assert (gradient.flatten(1).norm(dim=1) > 0).all()
    stepped = reward((pixels - 0.05 * gradient.sign()).detach(), labels[:4], Draws("reward"))
    assert stepped.reward.mean() > scored.reward.mean()


def test_a_method_trains_on_it(objective, tmp_path):
    method = reward_method(steps=2).model_copy(update={"objective": objective})
    _, history = reward_run(make_adapter(tmp_path), tmp_path / "reward", method)
    assert [row["step"] for row in history] == [0, 1, 2]
    for row in history[1:]:
        dimensions = [row[name] for name in objective.weights]
        assert 0 < row["reward"] < sum(dimensions) / len(dimensions) and row["gradient_norm"] > 0
