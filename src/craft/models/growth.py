"""A trained UNet made deeper: its new layers pass on what they get, until training tells them otherwise."""

import torch
from torch import nn

from craft.core.errors import CraftError


def deepen(unet: nn.Module, layers: list[int]) -> nn.Module:
    """A UNet with more layers in its levels, which predicts what `unet` does (Net2Net, Chen et al. 2016).

    The new layers come last in a level on the way down, and after the first layer on the way up; their first weights
    are drawn from torch's global generator.

    Args:
        unet: a UNet2DConditionModel.
        layers: of every level on the way down; on the way up a level has one more.

    Raises:
        CraftError: if the levels are of another number, or have more layers already.
    """
    depths = [len(block.resnets) for block in unet.down_blocks]
    if len(layers) != len(depths) or any(new < old for old, new in zip(depths, layers, strict=True)):
        raise CraftError(
            f"foundation.train.unet_layers is {layers}, but the UNet to start from has {depths} layers by level;"
            f" name {len(depths)} levels, each with as many layers or more"
        )
    deeper = type(unet).from_config({**unet.config, "layers_per_block": list(layers)}).to(unet.device)
    for name in (name for name, _ in unet.named_children() if name not in ("down_blocks", "up_blocks")):
        getattr(deeper, name).load_state_dict(getattr(unet, name).state_dict())
    for old, new in zip(unet.down_blocks, deeper.down_blocks, strict=True):
        fill(old, new, kept_first=len(old.resnets))
    for old, new in zip(unet.up_blocks, deeper.up_blocks, strict=True):
        fill(old, new, kept_first=1)
    return deeper


def fill(old: nn.Module, new: nn.Module, kept_first: int) -> None:
    """Give a deeper block the layers of the old one, so many of them before the new layers and the others after."""
    extra = len(new.resnets) - len(old.resnets)
    for name, child in old.named_children():
        if name not in ("resnets", "attentions"):
            getattr(new, name).load_state_dict(child.state_dict())
            continue
        for index, layer in enumerate(child):
            place = index if index < kept_first else index + extra
            getattr(new, name)[place].load_state_dict(layer.state_dict())
        for place in range(kept_first, kept_first + extra):
            pass_on(getattr(new, name)[place])


@torch.no_grad()
def pass_on(layer: nn.Module) -> None:
    """Make a layer hand on its input; one that also gets a skip connection leaves that out."""
    for name in ("conv2", "proj_out"):
        if last := getattr(layer, name, None):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
    if shortcut := getattr(layer, "conv_shortcut", None):
        nn.init.dirac_(shortcut.weight)
        nn.init.zeros_(shortcut.bias)
