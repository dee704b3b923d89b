"""Structural damage: images that no scanner, camera or microscope would deliver."""

import torch
import torch.nn.functional as F
from torch import Tensor


def shuffle_patches(images: Tensor, generator: torch.Generator, side: int = 4) -> Tensor:
    """Cut every image into side x side patches and put them back in one random order; (n, 3, h, w) in and out."""
    n, channels, height, width = images.shape
    patches = F.unfold(images, (height // side, width // side), stride=(height // side, width // side))
    order = torch.randperm(side * side, generator=generator)
    shuffled = patches[:, :, order]
    size = (height // side * side, width // side * side)
    folded = F.fold(shuffled, size, (height // side, width // side), stride=(height // side, width // side))
    return F.interpolate(folded.view(n, channels, *size), size=(height, width), mode="nearest")


def blur(images: Tensor, generator: torch.Generator, factor: int = 8) -> Tensor:
    """Throw away all detail finer than `factor` pixels."""
    small = F.avg_pool2d(images, factor)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)


def occlude(images: Tensor, generator: torch.Generator, share: float = 0.5) -> Tensor:
    """Cover a square of `share` of the side, at one random place an image, with the image's mean colour."""
    return cover(images, share, torch.rand(len(images), 2, generator=generator))


def cover(images: Tensor, share: float, places: Tensor) -> Tensor:
    """Cover a square of `share` of the side with the image's mean colour; `places` (n, 2), 0.5 being the middle."""
    height, width = images.shape[-2:]
    covered = images.clone()
    box = (int(height * share), int(width * share))
    for image, (y, x) in zip(covered, places.tolist(), strict=True):
        top, left = int(y * (height - box[0])), int(x * (width - box[1]))
        image[:, top : top + box[0], left : left + box[1]] = image.mean((1, 2))[:, None, None]
    return covered


DAMAGES = (shuffle_patches, blur, occlude)


def damage_all(images: Tensor, generator: torch.Generator) -> Tensor:
    """All images under every kind of damage, kinds after each other; (n, 3, h, w) -> (3 n, 3, h, w)."""
    return torch.cat([damage(images, generator) for damage in DAMAGES])
