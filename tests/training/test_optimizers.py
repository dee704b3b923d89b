"""The optimisers: what Muon steps, and that kernels in any memory layout move and resume alike."""

import pytest
import torch
from torch import nn

from craft.training.loop import fit
from craft.training.optimizers import Muon, Optimizer, as_matrix
from craft.training.processes import make_accelerator
from craft.training.settings import LoopSettings

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def make_network(layout) -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv2d(8, 3, 1))
    return network.to(memory_format=layout)


def alone():
    """The processes of a training of one process."""
    return make_accelerator(torch.device("cpu"))


def flat(network) -> torch.Tensor:
    return torch.cat([parameter.detach().contiguous().flatten() for parameter in network.parameters()])


def settings(**changes) -> LoopSettings:
    loop = {"optimizer": "muon", "steps": 6, "batch": 4, "learning_rate": 0.02, "warmup_steps": 0}
    return LoopSettings(**loop | {"checkpoint_every": 3} | changes)


def blur(network):
    """The loss of a network that learns to copy noise."""

    def loss_at(part):
        images = part.draws("optimizer").normal(4, 3, 8, 8)
        return (network(images) - images).square().mean(), {}

    return loss_at


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_kernel_moves_along_an_orthogonal_matrix_whatever_its_layout(layout):
    network = make_network(layout)
    kernel, bias = network[0].weight, network[0].bias
    before, gradients = kernel.detach().clone(), torch.randn(kernel.shape, generator=torch.Generator().manual_seed(1))
    kernel.grad, bias.grad = gradients.contiguous(memory_format=layout), torch.ones_like(bias)
    Optimizer(list(network.parameters()), settings(), 0.0, alone()).step(0.02)
    moved = as_matrix(kernel.detach() - before, kernel)
    singular = torch.linalg.svdvals(moved)
    # the orthogonal matrix times 0.2 * sqrt(the larger side), which gives it the size of a step of AdamW
    assert singular == pytest.approx(torch.full((8,), 0.02 * 0.2 * 27**0.5), rel=0.5)
    assert bias.detach() == pytest.approx(make_network(layout)[0].bias.detach() - 0.02, abs=1e-5)


@pytest.mark.parametrize("shape", [(8, 27), (27, 8)])
def test_muon_is_pytorchs_without_its_rounding(shape):
    draws = torch.Generator().manual_seed(2)
    start = torch.randn(shape, generator=draws)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    rates = {"lr": 0.01, "weight_decay": 0.1}
    optimizers = [Muon([ours], rates, alone()), torch.optim.Muon([theirs], **rates, adjust_lr_fn="match_rms_adamw")]
    for _ in range(5):
        ours.grad = torch.randn(shape, generator=draws)
        theirs.grad = ours.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    moved = float((theirs - start).abs().max())
    assert torch.allclose(ours, theirs, atol=0.05 * moved)
    assert moved > 0.01


def test_layouts_take_the_same_steps(tmp_path):
    weights = []
    for layout in LAYOUTS:
        network = make_network(layout)
        fit(list(network.parameters()), settings(), blur(network), tmp_path / str(layout))
        weights.append(flat(network))
    # the columns of a kernel are summed in the order of the layout
    assert weights[0] == pytest.approx(weights[1], abs=1e-4)
    assert not torch.allclose(weights[0], flat(make_network(LAYOUTS[0])), atol=1e-2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_muon_resumes_to_the_identical_weights(layout, tmp_path):
    whole, stopped = make_network(layout), make_network(layout)
    fit(list(whole.parameters()), settings(), blur(whole), tmp_path / "whole")

    class PulledOut(Exception):
        """The plug."""

    def loss_until_the_fifth_step(part):
        if part.step == 5:
            raise PulledOut
        return blur(stopped)(part)

    with pytest.raises(PulledOut):
        fit(list(stopped.parameters()), settings(), loss_until_the_fifth_step, tmp_path / "stopped")
    resumed = make_network(layout)
    fit(list(resumed.parameters()), settings(), blur(resumed), tmp_path / "stopped")
    assert torch.equal(flat(whole), flat(resumed))
