"""A deeper UNet predicts what it came of, and its new layers can learn."""

import pytest
import torch
from tiny import tiny_foundation

from craft.core.errors import CraftError
from craft.models.growth import deepen


def predict(unet, foundation):
    torch.manual_seed(1)
    noisy = torch.randn(2, *foundation.latent_shape)
    states = foundation.encode_prompts(["a chest radiograph", "a fundus photograph"])
    return unet(noisy, torch.tensor([20, 900]), encoder_hidden_states=states).sample


@pytest.mark.parametrize("extra", [[0, 0], [1, 0], [0, 2], [2, 1]])
def test_a_deeper_unet_predicts_the_same(extra):
    foundation = tiny_foundation()
    depths = [len(block.resnets) for block in foundation.unet.down_blocks]
    layers = [depth + more for depth, more in zip(depths, extra, strict=True)]
    deeper = deepen(foundation.unet, layers).eval()
    assert [len(block.resnets) for block in deeper.down_blocks] == layers
    assert [len(block.resnets) for block in deeper.up_blocks] == [depth + 1 for depth in reversed(layers)]
    with torch.no_grad():
        assert torch.equal(predict(deeper, foundation), predict(foundation.unet, foundation))


def test_every_new_layer_gets_a_gradient():
    foundation = tiny_foundation()
    deeper = deepen(foundation.unet, [len(block.resnets) + 1 for block in foundation.unet.down_blocks])
    predict(deeper, foundation).square().mean().backward()
    lasts = [name for name, _ in deeper.named_parameters() if name.endswith(("conv2.weight", "proj_out.weight"))]
    assert lasts
    assert all(deeper.get_parameter(name).grad.abs().sum() > 0 for name in lasts)


@pytest.mark.parametrize("layers", [[1], [1, 1, 1], [1, 0]])
def test_other_levels_and_fewer_layers_are_refused(layers):
    with pytest.raises(CraftError, match=r"unet_layers is .*, but the UNet to start from has \[1, 1\] layers by level"):
        deepen(tiny_foundation().unet, layers)
