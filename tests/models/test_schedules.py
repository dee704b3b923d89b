"""Noise schedules: training noise is DDPM's whatever solver a pipeline brings, and no sampler clips latents."""

import diffusers
import pytest
import torch
from tiny import tiny_foundation

from craft.core.errors import CraftError
from craft.core.seeds import Draws
from craft.models.schedules import PREDICTIONS, SAMPLERS, make_sampler, noise_schedule
from craft.training.denoising import denoising_loss, min_snr_weights
from craft.training.direct import recover

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
SOLVERS = ["DDIMScheduler", "PNDMScheduler", "EulerDiscreteScheduler", "DPMSolverMultistepScheduler", "DDPMScheduler"]


def of_class(name: str, **changes):
    return getattr(diffusers, name)(**BETAS, **changes)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_training_noise_keeps_the_variance_whatever_the_pipelines_solver_is(solver, prediction):
    schedule = noise_schedule(of_class(solver, prediction_type=prediction))
    generator = torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(20, 4, 32, 32, generator=generator) for _ in range(2))
    timesteps = torch.linspace(0, 999, 20).long()
    spread = schedule.add_noise(latents, noise, timesteps).flatten(1).std(1)
    assert torch.allclose(spread, torch.ones(20), atol=0.1)
    assert torch.isfinite(schedule.get_velocity(latents, noise, timesteps)).all()
    assert schedule.config.prediction_type == prediction


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", SAMPLERS)
def test_no_sampler_clips_latents(kind, solver):
    sampler = make_sampler(of_class(solver, prediction_type="epsilon"), kind, 4, "cpu")
    sample = torch.full((1, 4, 8, 8), 3.0)
    last = sampler.timesteps[-1]
    scaled = sampler.scale_model_input(sample, last)
    assert scaled.max() <= 3
    if kind == "dpmsolver++":
        sampler._init_step_index(last)
        clean = sampler.convert_model_output(torch.zeros_like(sample), sample=sample)
    else:
        clean = sampler.step(torch.zeros_like(sample), last, sample).pred_original_sample
    assert clean.min() > 2.9


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_perfect_model_of_any_prediction_samples_the_clean_latents(prediction, kind):
    scheduler = of_class("EulerDiscreteScheduler", prediction_type=prediction)
    schedule, sampler = noise_schedule(scheduler), make_sampler(scheduler, kind, 20, "cpu")
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn(1, 4, 8, 8, generator=generator) for _ in range(2))
    sample = noise * sampler.init_noise_sigma
    for timestep in sampler.timesteps:
        seen = sampler.scale_model_input(sample, timestep)
        alpha = schedule.alphas_cumprod[timestep.long()].sqrt()
        sigma = (1 - alpha**2).sqrt()
        known = (seen - alpha * clean) / sigma
        exact = {"epsilon": known, "v_prediction": alpha * known - sigma * clean, "sample": clean}[prediction]
        sample = sampler.step(exact, timestep, sample).prev_sample
    assert torch.allclose(sample, clean, atol=0.05)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_min_snr_is_finite_without_signal_at_the_last_timestep(prediction):
    schedule = noise_schedule(of_class("DDIMScheduler", prediction_type=prediction, rescale_betas_zero_snr=True))
    weights = min_snr_weights(schedule, torch.tensor([0, 500, 999]), 5.0)
    assert schedule.alphas_cumprod[-1] == 0 and torch.isfinite(weights).all()
    assert weights[-1] == (1 if prediction == "epsilon" else 0)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_weighted_loss_of_any_prediction_has_a_finite_gradient(prediction):
    foundation = tiny_foundation()
    foundation.pipeline.scheduler.register_to_config(prediction_type=prediction)
    schedule, parameters = noise_schedule(foundation.pipeline.scheduler), foundation.train_whole()
    latents, states = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(0)), torch.zeros(4, 48, 32)

    class Last(Draws):
        def integers(self, high, *size):
            return torch.full(size, high - 1)

    loss = denoising_loss(foundation.unet, schedule, latents, states, Last("loss"), min_snr_gamma=5.0)
    loss.backward()
    assert torch.isfinite(loss) and all(each.grad is None or torch.isfinite(each.grad).all() for each in parameters)


def test_what_a_model_of_clean_latents_errs_is_recovered_like_the_same_error_of_the_noise():
    generator, times = torch.Generator().manual_seed(0), torch.tensor([60, 400, 900])
    samples, noise, error = (torch.randn(3, 4, 8, 8, generator=generator) for _ in range(3))
    found = {}
    for prediction in ("epsilon", "sample"):
        schedule = noise_schedule(of_class("DDIMScheduler", prediction_type=prediction))
        signal = schedule.alphas_cumprod[times].view(-1, 1, 1, 1)
        ratio = (signal / (1 - signal)).sqrt()
        guess = noise - ratio * error if prediction == "epsilon" else samples + error
        found[prediction] = recover(schedule, samples, noise, times, guess, 150)
    assert torch.allclose(found["epsilon"], found["sample"], atol=1e-3)


@pytest.mark.parametrize(
    ("scheduler", "named"),
    [
        (diffusers.FlowMatchEulerDiscreteScheduler(), "FlowMatchEulerDiscreteScheduler has no discrete schedule"),
        (diffusers.EDMEulerScheduler(), "EDMEulerScheduler has no discrete schedule"),
        (of_class("UniPCMultistepScheduler", prediction_type="flow_prediction"), "prediction_type 'flow_prediction'"),
        (of_class("EulerDiscreteScheduler", timestep_type="continuous"), "no discrete schedule"),
    ],
    ids=["flow matching", "EDM", "flow prediction", "continuous"],
)
def test_a_schedule_of_another_kind_gets_a_sentence(scheduler, named):
    with pytest.raises(CraftError, match=named):
        noise_schedule(scheduler)


def test_a_sampler_that_does_not_know_the_betas_gets_a_sentence():
    scheduler = diffusers.DDPMScheduler(beta_schedule="sigmoid")
    with pytest.raises(CraftError, match="EulerDiscreteScheduler does not know the beta_schedule 'sigmoid'"):
        make_sampler(scheduler, "euler", 4, "cpu")
