"""The sampler: every way of backpropagation gives the gradient it promises, and generation repeats itself."""

from itertools import pairwise

import pytest
import torch
from tiny import tiny_foundation

from craft.core.seeds import Draws
from craft.training.backprop import GradientPlan
from craft.training.sampler import Conditions, generate, guided_prediction, sample_latents
from craft.training.settings import BackpropSettings, SamplingSettings

STEPS = 4
SCHEDULERS = ["ddim", "dpmsolver++", "euler"]


@pytest.fixture(scope="module", params=["v_prediction", "epsilon"])
def foundation(request):
    foundation = tiny_foundation()
    foundation.pipeline.scheduler.register_to_config(
        prediction_type=request.param, rescale_betas_zero_snr=request.param == "v_prediction"
    )
    foundation.unet.conv_out.weight.requires_grad_(True)
    return foundation


@pytest.fixture(scope="module")
def conditions(foundation):
    return Conditions.encode(foundation, ["a nevus", "a melanoma"])


def draw_noise(foundation, count=2):
    return torch.randn(count, *foundation.latent_shape, generator=torch.Generator().manual_seed(0))


def gradient_of(foundation, latents):
    (gradient,) = torch.autograd.grad(latents.square().sum(), foundation.unet.conv_out.weight, retain_graph=True)
    return gradient


def gradient(foundation, conditions, sampling, seed=0, **backprop):
    draws = Draws("gradient", seed)
    plan = GradientPlan.draw(BackpropSettings(**backprop), sampling.steps, 2, draws)
    path = sample_latents(foundation, conditions, draw_noise(foundation), sampling, plan, draws)
    return gradient_of(foundation, path.latents)


def naive_gradient(foundation, conditions, sampling, first, rows=slice(None)):
    """Of an explicit loop whose steps before `first` run without gradient; over some rows of the batch."""
    scheduler = foundation.make_scheduler(sampling.scheduler, sampling.steps)
    sample = draw_noise(foundation) * scheduler.init_noise_sigma
    for index, timestep in enumerate(scheduler.timesteps):
        with torch.set_grad_enabled(index >= first):
            scaled = scheduler.scale_model_input(sample, timestep)
            prediction = guided_prediction(foundation.unet, scaled, timestep, conditions, sampling.guidance_scale)
            sample = scheduler.step(prediction, timestep, sample).prev_sample
    return gradient_of(foundation, sample[rows])


def close(first, second):
    return (first - second).norm() <= 1e-5 * second.norm()


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_generation_is_repeatable_and_in_range(foundation, scheduler, guidance):
    sampling = SamplingSettings(scheduler=scheduler, steps=STEPS, guidance_scale=guidance)
    noise = draw_noise(foundation)
    first, again = (generate(foundation, ["a nevus", "a melanoma"], noise, sampling, batch=1) for _ in range(2))
    assert first.shape == (2, 3, 32, 32)
    assert torch.isfinite(first).all() and first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_all_steps_give_the_gradient_of_naive_backpropagation(foundation, conditions, scheduler, guidance):
    sampling = SamplingSettings(scheduler=scheduler, steps=STEPS, guidance_scale=guidance)
    expected = naive_gradient(foundation, conditions, sampling, 0)
    assert close(gradient(foundation, conditions, sampling, mode="full"), expected)
    assert close(gradient(foundation, conditions, sampling, mode="last", steps=STEPS), expected)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("last", [1, 2])
def test_the_last_k_steps_give_the_gradient_of_the_truncated_graph(foundation, conditions, scheduler, last):
    sampling = SamplingSettings(scheduler=scheduler, steps=STEPS, guidance_scale=2.0)
    expected = naive_gradient(foundation, conditions, sampling, STEPS - last)
    found = gradient(foundation, conditions, sampling, mode="last", steps=last)
    assert close(found, expected)
    assert not close(found, naive_gradient(foundation, conditions, sampling, 0))


def test_random_truncation_cuts_every_sample_at_its_own_suffix(foundation, conditions):
    sampling = SamplingSettings(steps=STEPS, guidance_scale=2.0)
    plan = GradientPlan(torch.tensor([1, 3]))
    path = sample_latents(foundation, conditions, draw_noise(foundation), sampling, plan)
    parts = [naive_gradient(foundation, conditions, sampling, first, rows=row) for row, first in ((0, 1), (1, 3))]
    assert close(gradient_of(foundation, path.latents), parts[0] + parts[1])


def test_random_truncation_draws_every_length_and_one_a_sample():
    starts = GradientPlan.draw(BackpropSettings(mode="random"), STEPS, 1000, Draws("starts")).starts
    assert starts.shape == (1000,)
    assert (starts.bincount(minlength=STEPS) > 200).all()


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_refl_scores_the_clean_estimate_of_one_late_step(foundation, conditions, scheduler):
    sampling = SamplingSettings(scheduler=scheduler, steps=STEPS, guidance_scale=2.0)
    plan = GradientPlan(torch.tensor([2]), stop=2)
    path = sample_latents(foundation, conditions, draw_noise(foundation), sampling, plan)
    assert len(path.inputs) == 3 and path.latents.requires_grad
    last = GradientPlan(torch.tensor([STEPS - 1]), stop=STEPS - 1)
    end = sample_latents(foundation, conditions, draw_noise(foundation), sampling, last)
    whole = sample_latents(foundation, conditions, draw_noise(foundation), sampling)
    assert torch.allclose(end.latents, whole.latents, atol=1e-4), "at the last step the clean estimate is the result"


def test_refl_draws_one_of_the_last_10_of_40_steps_for_a_batch():
    plans = [GradientPlan.draw(BackpropSettings(mode="refl"), 40, 2, Draws("stop", index)) for index in range(300)]
    assert {plan.stop for plan in plans} == set(range(30, 40))
    assert all(plan.starts.tolist() == [plan.stop] for plan in plans)


@pytest.mark.parametrize("stop", [2, 3])
def test_drtune_trains_spread_steps_cuts_the_model_input_and_stops_early(foundation, conditions, stop):
    sampling = SamplingSettings(steps=STEPS, guidance_scale=2.0)
    plan = GradientPlan(torch.tensor([0]), frozenset({0, 2}), linear=True, stop=stop)
    path = sample_latents(foundation, conditions, draw_noise(foundation), sampling, plan)
    scheduler = foundation.make_scheduler("ddim", STEPS)
    sample = draw_noise(foundation)
    for index, timestep in enumerate(scheduler.timesteps[: stop + 1]):
        prediction = guided_prediction(foundation.unet, sample.detach(), timestep, conditions, 2.0)
        prediction = prediction if index in plan.steps else prediction.detach()
        step = scheduler.step(prediction, timestep, sample)
        sample = step.pred_original_sample if index == stop else step.prev_sample
    assert len(path.inputs) == stop + 1
    assert torch.allclose(path.latents, sample, atol=1e-5)
    assert close(gradient_of(foundation, path.latents), gradient_of(foundation, sample))


@pytest.mark.parametrize("trained", [1, 2, 5, 40])
def test_drtune_spreads_its_steps_over_those_that_are_taken(trained):
    settings = BackpropSettings(mode="drtune", steps=trained)
    plans = [GradientPlan.draw(settings, 40, 2, Draws("drtune", index)) for index in range(300)]
    assert {plan.stop for plan in plans} == set(range(30, 40))
    for plan in plans:
        steps = sorted(plan.steps)
        assert len(steps) == min(trained, plan.stop + 1)
        assert steps[0] == plan.starts.item() and steps[-1] <= plan.stop
        assert len({later - earlier for earlier, later in pairwise(steps)}) <= 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_variant_is_a_fresh_draw_of_the_same_last_step(foundation, conditions, scheduler):
    """The gradient of n variants is the sum of theirs, and the mean of a variant over draws does not depend on n."""
    sampling = SamplingSettings(scheduler=scheduler, steps=STEPS, guidance_scale=2.0)
    noise = draw_noise(foundation)

    def draw(variants, seed):
        plan = GradientPlan(torch.tensor([STEPS - 1]), variants=variants)
        latents = sample_latents(foundation, conditions, noise, sampling, plan, Draws("variants", seed)).latents
        return [gradient_of(foundation, part) for part in latents.split(2)]

    single = torch.stack([draw(2, seed)[1] for seed in range(24)])
    several = torch.stack([torch.stack(draw(4, 1000 + seed)[1:]).mean(0) for seed in range(8)])
    spread = (single.var(0) / 24 + several.var(0) / 8).sqrt()
    assert not torch.equal(single[0], single[1])
    assert ((single.mean(0) - several.mean(0)).abs() <= 5 * spread + 1e-7).float().mean() > 0.99


def test_without_a_plan_nothing_is_recorded(foundation, conditions):
    path = sample_latents(foundation, conditions, draw_noise(foundation), SamplingSettings(steps=2))
    assert not path.latents.requires_grad


def test_the_text_of_one_trajectory_is_forgotten_after_it(foundation, conditions):
    other, sampling = Conditions.encode(foundation, ["no finding", "cardiomegaly"]), SamplingSettings(steps=STEPS)
    with torch.no_grad():
        first, second, again = (
            sample_latents(foundation, text, draw_noise(foundation), sampling).latents
            for text in (conditions, other, conditions)
        )
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_while_the_text_stays_the_same_its_keys_are_computed_once(foundation):
    layer = next(module for module in foundation.unet.modules() if getattr(module, "is_cross_attention", False)).to_k
    with foundation.same_text():
        states = torch.randn(2, 3, layer.in_features)
        assert layer(states) is layer(states)
    assert layer(states) is not layer(states)
