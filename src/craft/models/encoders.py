"""Vision-only encoders: what an image looks like, with no text behind it. They judge plausibility and fidelity."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.preprocessing import write_preprocessor
from craft.models.saving import save_in_half
from craft.models.settings import EncoderRef


class VisionEncoder(nn.Module):
    """A network with pooled features; images enter as float tensors in [0, 1] of any size.

    Args:
        network: scaled images (n, 3, size, size) -> features (n, width).
        size: side of the network's input, pixels.
        mean: of the scaling (image - mean) / std, by channel.
        std: of the scaling, by channel.
        model: the `transformers` model behind the network, where there is one.

    Attributes:
        origin: loader and path that it came from; None before it was saved.
    """

    def __init__(self, network: nn.Module, size: int, mean: list[float], std: list[float], model=None):
        super().__init__()
        self.network, self.size, self.model = network, size, model
        self.origin: tuple[str, str] | None = None
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def save(self, folder: Path) -> None:
        """Save model and preprocessing in the hub's formats, weights in half precision."""
        save_in_half(self.model, folder)
        write_preprocessor(folder, self.size, self.mean, self.std)

    def encode_images(self, images: Tensor) -> Tensor:
        """Features (n, width), not normalised, of images (n, 3, h, w) in [0, 1]; differentiable in the images."""
        if images.shape[-1] != self.size or images.shape[-2] != self.size:
            images = F.interpolate(images, size=(self.size, self.size), mode="bicubic", antialias=True)
        return self.network(torch.addcmul(-self.mean / self.std, images, 1 / self.std))

    @torch.inference_mode()
    def embed(self, images: Tensor, batch: int = 64) -> Tensor:
        """Features of many images without gradient, on the CPU, shape (n, width)."""
        return torch.cat([self.encode_images(chunk.to(self.device)).cpu() for chunk in images.split(batch)])


class PooledModel(nn.Module):
    """The pooled features of a `transformers` vision model as a plain network."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Features (n, width) of scaled images (n, 3, h, w)."""
        return self.model(pixel_values=pixels).pooler_output.flatten(1)


def load_encoder(ref: EncoderRef, device: str = "cpu") -> VisionEncoder:
    """Load a frozen encoder, in float32, with the loader that its settings name.

    Raises:
        CraftError: if there is no such model.
    """
    return load_tower((ref.loader, ref.path), device, **ref.hub)


def load_tower(origin: tuple[str, str], device: str = "cpu", **hub: str | bool) -> VisionEncoder:
    """Load the frozen encoder of a loader and path; `hub` is what the loader takes of a hub model beside them.

    Raises:
        CraftError: if there is no such loader or model.
    """
    encoder = ENCODER_LOADERS[origin[0]](origin[1], device, **hub)
    encoder.origin = origin
    return encoder
