"""Finetuning: methods change only their adapter, resume to the identical result, and the guard keeps the best state."""

import pytest
import torch
from tiny import tiny_evaluator, tiny_foundation, tiny_knowledge
from torch.nn.functional import normalize

from craft.core.config.methods import Guard, Lora, Objective, Reward, Sampling, Supervised, Training
from craft.reward.cas import DIMENSIONS, ClinicalAlignment, LabelTexts, Logistic, RawScores
from craft.reward.objective import ClinicalReward
from craft.training.craft import Monitor, balanced_labels, train_reward
from craft.training.guard import FixedSample, MonitorGuard
from craft.training.loop import fit, learning_rate
from craft.training.supervised import RealImages, train_supervised

SPEC = Supervised(
    kind="supervised",
    prompts="enriched",
    lora=Lora(rank=2, alpha=2),
    training=Training(steps=4, batch=4, learning_rate=1e-2, warmup_steps=1, checkpoint_every=2),
)


def real_images(foundation) -> RealImages:
    latents = torch.randn(8, *foundation.latent_shape, generator=torch.Generator().manual_seed(1))
    return RealImages(latents, ["nevus", "melanoma"] * 4)


def weights(foundation) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in foundation.adapter_parameters()]


def supervised(folder, spec=SPEC):
    foundation = tiny_foundation()
    history = train_supervised(foundation, spec, real_images(foundation), tiny_knowledge(), "test/0", folder)
    return foundation, history


def test_supervised_training_changes_the_adapter_and_nothing_else(tmp_path):
    before = {name: value.clone() for name, value in tiny_foundation().unet.state_dict().items()}
    foundation, history = supervised(tmp_path)
    after = {name.replace(".base_layer", ""): value for name, value in foundation.unet.state_dict().items()}
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert any(weight.abs().sum() > 0 for weight in weights(foundation)[1::2])
    assert [row["step"] for row in history] == [1, 2, 3, 4]


def test_an_interrupted_run_resumes_to_the_identical_adapter(tmp_path):
    whole, history = supervised(tmp_path / "whole")
    calls = []

    class Interrupted(RealImages):
        def draw(self, count, generator):
            calls.append(count)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return super().draw(count, generator)

    foundation = tiny_foundation()
    images = real_images(foundation)
    images.__class__ = Interrupted
    with pytest.raises(KeyboardInterrupt):
        train_supervised(foundation, SPEC, images, tiny_knowledge(), "test/0", tmp_path / "cut")
    resumed, resumed_history = supervised(tmp_path / "cut")
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    assert [row["loss"] for row in resumed_history] == [row["loss"] for row in history]


def test_a_saved_adapter_loads_into_the_same_images(tmp_path):
    from craft.training.sampler import generate

    foundation, _ = supervised(tmp_path / "run")
    foundation.save_adapter(tmp_path / "adapter")
    noise = torch.randn(1, *foundation.latent_shape, generator=torch.Generator().manual_seed(0))
    expected = generate(foundation, ["a nevus"], noise, Sampling(steps=2))
    fresh = tiny_foundation()
    fresh.pipeline.load_lora_weights(str(tmp_path / "adapter"), adapter_name="default")
    assert torch.allclose(generate(fresh, ["a nevus"], noise, Sampling(steps=2)), expected, atol=1e-5)


def make_alignment(evaluator) -> ClinicalAlignment:
    width, generator = evaluator.encode_texts(["a"]).shape[1], torch.Generator().manual_seed(2)

    def draw(count):
        return normalize(torch.randn(count, width, generator=generator), dim=-1)

    texts = [LabelTexts(draw(3), draw(2), draw(2), torch.ones(2)) for _ in range(2)]
    maps = {name: Logistic(3.0, 0.0, 0.9, 10) for name in DIMENSIONS}
    return ClinicalAlignment(RawScores(texts, [draw(6), draw(6)], 5.0, 3), maps)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapter")
    foundation, _ = supervised(folder / "checkpoints")
    foundation.save_adapter(folder / "adapter")
    return folder / "adapter"


def reward_run(adapter, folder, beta=1.0, steps=4):
    foundation = tiny_foundation()
    foundation.pipeline.load_lora_weights(str(adapter), adapter_name="default")
    foundation.freeze_reference(adapter)
    evaluator, watcher = tiny_evaluator(), tiny_evaluator(family="clip_bit", seed=1)
    spec = Reward(
        kind="reward",
        start="lora_enriched",
        objective=Objective(beta=beta, saturation_quantile=1.0),
        guard=Guard(every=2, images=4),
        training=Training(steps=steps, batch=4, learning_rate=1e-2, warmup_steps=1, checkpoint_every=2),
    )
    features = normalize(torch.randn(10, 32, generator=torch.Generator().manual_seed(4)), dim=-1)
    reward = ClinicalReward(evaluator, make_alignment(evaluator), spec.objective, features, torch.arange(10) % 2)
    history = train_reward(
        foundation,
        spec,
        Sampling(steps=3, guidance_scale=2.0),
        reward,
        Monitor(watcher, make_alignment(watcher)),
        real_images(foundation),
        tiny_knowledge(),
        "test/0",
        folder,
    )
    return foundation, history


def test_reward_finetuning_moves_the_adapter_away_from_its_frozen_reference(adapter, tmp_path):
    foundation, history = reward_run(adapter, tmp_path)
    named = dict(foundation.unet.named_parameters())
    reference = [value for name, value in named.items() if ".reference." in name]
    trained = [value for name, value in named.items() if ".default." in name]
    start = tiny_foundation()
    start.pipeline.load_lora_weights(str(adapter), adapter_name="default")
    assert all(torch.equal(a, b) for a, b in zip(reference, weights(start), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(reference, trained, strict=True))
    assert history[0]["step"] == 0 and "monitor" in history[0]
    assert history[1]["anchor"] == pytest.approx(0.0, abs=1e-9)  # the start is the reference
    assert history[-1]["anchor"] > 0
    assert sum(row.get("best", False) for row in history) == 1


def test_reward_finetuning_repeats_itself_to_the_bit(adapter, tmp_path):
    first, history = reward_run(adapter, tmp_path / "a")
    second, again = reward_run(adapter, tmp_path / "b")
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))
    assert [row.get("loss") for row in history] == [row.get("loss") for row in again]


def test_reward_finetuning_resumes_to_the_identical_adapter(adapter, tmp_path, monkeypatch):
    whole, _ = reward_run(adapter, tmp_path / "whole")
    from craft.training import loop

    saved = []

    def save_once(*arguments):
        if saved:
            raise KeyboardInterrupt
        saved.append(1)
        original(*arguments)

    original = loop.save_checkpoint
    monkeypatch.setattr(loop, "save_checkpoint", save_once)
    with pytest.raises(KeyboardInterrupt):
        reward_run(adapter, tmp_path / "cut")
    monkeypatch.undo()
    resumed, _ = reward_run(adapter, tmp_path / "cut")
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_the_guard_stops_a_run_whose_monitor_falls_and_keeps_the_best_state(tmp_path):
    foundation = tiny_foundation()
    parameters = foundation.add_adapter(2, 2, ["to_q"])
    sample = FixedSample(torch.zeros(2, *foundation.latent_shape), ["a", "b"], torch.tensor([0, 1]))
    falling = iter([0.50, 0.60, 0.55, 0.54, 0.53])

    class Scripted(MonitorGuard):
        def score(self):
            return {"monitor": next(falling), "diversity": 0.1}

    guard = Scripted(foundation, parameters, None, None, sample, Sampling(), Guard(every=1, patience=2), steps=10)

    def loss_at(step):
        return sum((parameter - 1).square().sum() for parameter in parameters), {"reward": 0.5 + step / 10}

    training = Training(steps=10, batch=1, learning_rate=0.1, warmup_steps=0)
    history = fit(parameters, training, loss_at, tmp_path, guard)
    assert history[-1]["step"] == 3
    assert "below its best CAS 0.600" in history[-1]["stopped_because"]
    assert [row["step"] for row in history if row.get("best")] == [1]
    last = weights(foundation)
    guard.keep_best()
    assert any(not torch.equal(a, b) for a, b in zip(last, weights(foundation), strict=True))


def test_learning_rate_warms_up_and_falls_to_a_tenth():
    training = Training(steps=100, learning_rate=1.0, warmup_steps=10)
    assert learning_rate(training, 1) == pytest.approx(0.1)
    assert learning_rate(training, 10) == pytest.approx(1.0)
    assert learning_rate(training, 100) == pytest.approx(0.1)


def test_labels_come_in_turn():
    assert balanced_labels(["a", "b", "c"], 4, offset=2) == ["c", "a", "b", "c"]
