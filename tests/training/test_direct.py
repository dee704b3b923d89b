"""Mode direct: exact noise gives the sample back, every sample serves as many steps as asked for, and runs resume."""

from functools import cache

import pytest
import torch
from peft import LoraConfig
from runs import make_adapter, reward_method, reward_run, weights
from tiny import tiny_foundation, tiny_knowledge

from craft.core.seeds import Draws
from craft.training import direct
from craft.training.denoising import target_of
from craft.training.direct import DirectWay, recover
from craft.training.parts import Part
from craft.training.results import DIRECT_COLUMNS
from craft.training.sampler import sample_latents
from craft.training.settings import SamplingSettings

SAMPLING = SamplingSettings(steps=2, guidance_scale=2.0)
TIMES = torch.tensor([0, 60, 400, 900])


@pytest.fixture(scope="module", params=["v_prediction", "epsilon"])
def scheduler(request):
    scheduler = tiny_foundation().pipeline.scheduler
    scheduler.register_to_config(prediction_type=request.param)
    return scheduler


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return make_adapter(tmp_path_factory.mktemp("adapter"))


def draw(seed: int) -> torch.Tensor:
    return torch.randn(len(TIMES), 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_the_sample_comes_back_where_the_prediction_is_exact(scheduler):
    samples, noise = draw(0), draw(1)
    exact = target_of(scheduler, samples, noise, TIMES)
    assert torch.allclose(recover(scheduler, samples, noise, TIMES, exact, 150), samples, atol=1e-5)


def test_the_way_back_is_the_models_over_the_span_and_the_known_noises_over_the_rest(scheduler):
    """Step by step: a DDIM step with the predicted noise from t to u, then the known noise is taken away."""
    samples, noise, prediction = draw(0), draw(1), draw(2)
    signals, times, span = scheduler.alphas_cumprod, torch.tensor([300, 500, 700, 900]), 150
    alpha, sigma = (each[times].sqrt().view(-1, 1, 1, 1) for each in (signals, 1 - signals))
    earlier, rest = (each[times - span].sqrt().view(-1, 1, 1, 1) for each in (signals, 1 - signals))
    noisy = alpha * samples + sigma * noise
    velocity = scheduler.config.prediction_type == "v_prediction"
    predicted = alpha * prediction + sigma * noisy if velocity else prediction
    clean = (noisy - sigma * predicted) / alpha
    expected = (earlier * clean + rest * predicted - rest * noise) / earlier
    assert torch.allclose(recover(scheduler, samples, noise, times, prediction, span), expected, atol=1e-3)


def test_a_level_within_the_span_gives_the_clean_estimate_of_the_model(scheduler):
    samples, noise, prediction, times = draw(0), draw(1), draw(2), torch.tensor([20, 50, 100, 149])
    noisy = scheduler.add_noise(samples, noise, times)
    alpha, sigma = (
        each[times].sqrt().view(-1, 1, 1, 1) for each in (scheduler.alphas_cumprod, 1 - scheduler.alphas_cumprod)
    )
    velocity = scheduler.config.prediction_type == "v_prediction"
    clean = alpha * noisy - sigma * prediction if velocity else (noisy - sigma * prediction) / alpha
    assert torch.allclose(recover(scheduler, samples, noise, times, prediction, 150), clean, atol=1e-4)


@cache
def adapted_foundation():
    """A foundation with a fresh adapter that changes what it predicts."""
    foundation = tiny_foundation()
    for parameter in foundation.add_adapter(rank=2):
        torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(3))
    return foundation


def make_way(uses: int = 4, batch: int = 4, **backprop) -> DirectWay:
    foundation = adapted_foundation()
    method = reward_method(backprop={"mode": "direct", "uses": uses} | backprop, batch=batch)
    return DirectWay(foundation, tiny_knowledge(), method, SAMPLING, "test")


def walk(way: DirectWay, steps: int):
    """The passages of so many steps, and the samples that each started from."""
    for step in range(1, steps + 1):
        part = Part(step)
        yield way(part, part.draws("craft")), way.samples[0].clone()


@pytest.mark.parametrize(("uses", "batch"), [(1, 2), (2, 4), (3, 4), (4, 4)])
def test_every_sample_serves_as_many_steps_as_asked_for_and_ages_are_mixed(uses, batch):
    passages, samples = zip(*walk(make_way(uses, batch), 3 * uses + 1), strict=True)
    for place in range(batch):
        changes = [
            step for step in range(1, len(samples)) if not torch.equal(samples[step][place], samples[step - 1][place])
        ]
        assert changes[0] <= uses and set(torch.tensor(changes).diff().tolist()) <= {uses}
    ages = torch.stack([passage.ages for passage in passages[uses:]])
    assert ages.max() == uses - 1 and ages.min() == 0
    assert (ages.sort(dim=1).values == ages[0].sort().values).all() or batch % uses, "the mix of ages changes"
    renewed = (ages == 0).sum(1)
    assert renewed.max() - renewed.min() <= 1


def test_a_sample_keeps_its_label_and_prompt_and_meets_fresh_noise_and_levels():
    first, second = (passage for passage, _ in walk(make_way(uses=2, batch=2), 2))
    (kept,) = torch.nonzero(second.ages == 1).flatten().tolist()
    assert second.labels[kept] == first.labels[kept]
    assert torch.equal(second.conditions.states[kept], first.conditions.states[kept])
    assert not torch.equal(second.noisy[kept], first.noisy[kept]) and second.timesteps[kept] != first.timesteps[kept]


def test_labels_are_balanced_in_every_batch():
    for passage, _ in walk(make_way(uses=2, batch=4), 6):
        assert passage.labels.bincount().tolist() == [2, 2]


def test_samples_are_what_the_sampler_gives_of_the_models_state_at_that_step():
    way = make_way(uses=2, batch=2, rollout={"steps": 3, "guidance_scale": 1.0})
    (passage, samples), *_ = walk(way, 1)
    noise = Part(1).draws("noise of samples", "test").normal(2, *way.foundation.latent_shape)
    rollout = SamplingSettings(steps=3, guidance_scale=1.0)
    with torch.no_grad():
        expected = sample_latents(way.foundation, passage.conditions, noise, rollout).latents
        other = sample_latents(way.foundation, passage.conditions, noise, SAMPLING).latents
    assert torch.allclose(samples, expected, atol=1e-5) and not torch.allclose(samples, other, atol=1e-3)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_gradient_is_that_of_the_formula(scale):
    way = make_way(guidance_scale=scale)
    parameters = way.foundation.adapter_parameters()
    (passage, samples), *_ = walk(way, 1)
    found = torch.autograd.grad(passage.latents.square().sum(), parameters)
    draws, count = Part(1).draws("craft"), way.foundation.pipeline.scheduler.config.num_train_timesteps
    noise = draws.normal(4, *way.foundation.latent_shape)
    assert torch.equal(way.foundation.pipeline.scheduler.add_noise(samples, noise, passage.timesteps), passage.noisy)
    predictions = [
        way.foundation.unet(passage.noisy, passage.timesteps, encoder_hidden_states=states).sample
        for states in (passage.conditions.states, passage.conditions.empty.expand_as(passage.conditions.states))
    ]
    guided = predictions[1] + scale * (predictions[0] - predictions[1])
    scheduler, span = way.foundation.pipeline.scheduler, round(0.15 * count)
    latents = recover(scheduler, samples, noise, passage.timesteps, guided, span)
    expected = torch.autograd.grad(latents.square().sum(), parameters)
    assert torch.allclose(passage.prediction, predictions[0], atol=1e-5)
    for a, b in zip(found, expected, strict=True):
        assert (a - b).norm() <= 1e-4 * b.norm().clamp(min=1e-6)
    assert any(gradient.norm() > 0 for gradient in found)


def test_levels_are_drawn_from_their_range_and_logged_by_thirds():
    way = make_way(batch=60, levels=[0.1, 0.4], rollout={"steps": 1, "guidance_scale": 1.0})
    (passage, _), *_ = walk(way, 1)
    assert passage.timesteps.min() >= 100 and passage.timesteps.max() < 400
    assert passage.thirds.tolist() == ((passage.timesteps - 100) // 100).tolist()
    rewards = torch.rand(60, generator=torch.Generator().manual_seed(0))
    logs = passage.describe(rewards)
    assert set(logs) == set(DIRECT_COLUMNS)
    assert sum(logs[f"share_{name}"] for name in direct.THIRDS) == pytest.approx(1)
    assert sum(logs[f"reward_{name}"] for name in direct.THIRDS) == pytest.approx(rewards.mean().item())
    assert logs["reward_low"] / logs["share_low"] == pytest.approx(
        rewards[passage.timesteps < 200].mean().item(), abs=1e-5
    )


CHANGES = {"backprop": {"mode": "direct", "uses": 3}, "objective": {"match": "ranks", "diversity": 0.5, "window": 2}}


def test_training_moves_the_adapter_and_starts_at_the_anchor(adapter, tmp_path):
    _, history = reward_run(adapter, tmp_path, reward_method(**CHANGES))
    assert history[1]["anchor"] == pytest.approx(0.0, abs=1e-9) and history[-1]["anchor"] > 0
    assert [row["age"] for row in history[1:]] == [0.0, 0.75, 0.75, 1.0]
    assert "diversity_lack" in history[-1] and all(name in history[-1] for name in DIRECT_COLUMNS)


def test_a_resumed_run_ends_in_the_identical_adapter(adapter, tmp_path, monkeypatch):
    """Interrupted between two checkpoints, while samples of several ages and rewards of earlier steps are kept."""
    method = reward_method(**CHANGES, steps=7, checkpoint_every=3)
    whole, history = reward_run(adapter, tmp_path / "whole", method)
    call = DirectWay.__call__

    def interrupted(self, part, draws):
        if part.step == 6:
            raise KeyboardInterrupt
        return call(self, part, draws)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DirectWay, "__call__", interrupted)
        reward_run(adapter, tmp_path / "cut", method)
    resumed, again = reward_run(adapter, tmp_path / "cut", method)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    assert [row.get("loss") for row in again] == [row.get("loss") for row in history]


def test_a_step_costs_one_prediction_with_gradient_one_of_the_anchor_and_its_share_of_the_sampling():
    way, calls = make_way(uses=2, batch=4), []
    way.foundation.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q"]), "anchor")
    way.foundation.unet.set_adapter("default")
    count = way.foundation.unet.register_forward_hook(lambda module, inputs, output: calls.append(len(output.sample)))
    for step in (1, 2):
        calls.clear()
        way(Part(step), Part(step).draws("craft")).distance_to_anchor(Draws("unused"))
    count.remove()
    assert calls == [4, 4, 4, 4], "two guided sampling steps of two samples, then four samples twice"
