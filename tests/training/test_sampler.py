"""The sampler: truncation gives the truncated graph's gradient, and generation repeats itself."""

import pytest
import torch
from tiny import tiny_foundation

from craft.core.config.methods import Sampling
from craft.training.sampler import Conditions, generate, sample_latents

STEPS = 4


@pytest.fixture(scope="module")
def foundation():
    return tiny_foundation()


def draw_noise(foundation, count=2):
    return torch.randn(count, *foundation.latent_shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scheduler", ["ddim", "dpmsolver++", "euler"])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_generation_is_repeatable_and_in_range(foundation, scheduler, guidance):
    sampling = Sampling(scheduler=scheduler, steps=STEPS, guidance_scale=guidance)
    noise = draw_noise(foundation)
    first, again = (generate(foundation, ["a nevus", "a melanoma"], noise, sampling, batch=1) for _ in range(2))
    assert first.shape == (2, 3, 32, 32)
    assert torch.isfinite(first).all() and first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again)


def test_only_the_last_k_steps_carry_gradient(foundation):
    """The gradient at K = 2 equals that of two explicit steps that start from the detached state before them."""
    from craft.training.sampler import guided_prediction

    sampling = Sampling(steps=STEPS, guidance_scale=2.0)
    conditions, noise = Conditions.encode(foundation, ["a nevus", "a melanoma"]), draw_noise(foundation)
    weight = foundation.unet.conv_out.weight.requires_grad_(True)
    path = sample_latents(foundation, conditions, noise, sampling, gradient_steps=2)
    (truncated,) = torch.autograd.grad(path.latents.square().sum(), weight)
    scheduler = foundation.make_scheduler("ddim", STEPS)
    sample = path.inputs[-2]
    for timestep in scheduler.timesteps[-2:]:
        prediction = guided_prediction(foundation.unet, sample, timestep, conditions, 2.0)
        sample = scheduler.step(prediction, timestep, sample, return_dict=False)[0]
    (explicit,) = torch.autograd.grad(sample.square().sum(), weight)
    weight.requires_grad_(False)
    assert torch.allclose(truncated, explicit, rtol=1e-5, atol=1e-7)
    assert len(path.inputs) == STEPS


def test_without_gradient_steps_nothing_is_recorded(foundation):
    conditions = Conditions.encode(foundation, ["a nevus", "a melanoma"])
    path = sample_latents(foundation, conditions, draw_noise(foundation), Sampling(steps=2))
    assert not path.latents.requires_grad
