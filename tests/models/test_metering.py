"""What is counted of a UNet: forward passes once, backward passes twice, and nothing that an interruption repeats."""

import torch
from tiny import tiny_foundation

from craft.core.costs import SPENT


def predict(foundation, count: int) -> torch.Tensor:
    states = foundation.encode_prompts(["a nevus"]).expand(count, -1, -1)
    noise = torch.zeros(count, *foundation.latent_shape)
    return foundation.unet(noise, torch.tensor(3), encoder_hidden_states=states).sample


def test_an_image_counts_once_forward_and_twice_backward():
    foundation = tiny_foundation()
    assert tuple(foundation.meter.read()) == SPENT and foundation.meter.evaluations == 0
    with torch.inference_mode():
        predict(foundation, 5)
    assert foundation.meter.evaluations == 5
    foundation.add_adapter(rank=2, alpha=2)
    loss = predict(foundation, 2).square().mean()
    assert foundation.meter.evaluations == 7
    loss.backward()
    assert foundation.meter.evaluations == 11


def test_what_is_computed_again_for_the_backward_pass_does_not_count():
    foundation = tiny_foundation()
    foundation.add_adapter(rank=2, alpha=2)
    foundation.prepare(checkpointing=True)
    foundation.unet.train()
    predict(foundation, 2).square().mean().backward()
    assert foundation.meter.evaluations == 6


def test_a_resumed_training_goes_on_from_what_its_checkpoint_had_spent():
    foundation = tiny_foundation()
    with torch.no_grad():
        predict(foundation, 3)
    foundation.meter.resume({"unet_evaluations": 100.0, "cpu_seconds": 50.0, "gpu_seconds": 0.0})
    with torch.no_grad():
        predict(foundation, 2)
    spent = foundation.meter.read()
    assert spent["unet_evaluations"] == 102 and 50 < spent["cpu_seconds"] < 60 and spent["gpu_seconds"] == 0
