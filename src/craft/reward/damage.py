"""Structural damage, which no scanner, camera or microscope would deliver, and pixels that are no image at all.

Every function takes images (n, 3, h, w) in [0, 1] and a seeded generator, and returns images of the same shape.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Damage = Callable[[Tensor, torch.Generator], Tensor]


def shuffle_patches(images: Tensor, generator: torch.Generator, side: int = 4) -> Tensor:
    """Cut every image into side x side patches and put them back in one random order."""
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


def scramble(images: Tensor, generator: torch.Generator) -> Tensor:
    """Keep every image's spectrum and colours, and give it random phases: texture without any structure."""
    noise = torch.fft.rfft2(torch.rand(len(images), 1, *images.shape[-2:], generator=generator))
    mean = images.mean((2, 3), keepdim=True)
    spectrum = torch.fft.rfft2(images - mean) * noise / noise.abs().clamp_min(1e-8)
    return (torch.fft.irfft2(spectrum, s=images.shape[-2:]) + mean).clamp(0, 1)


def white_noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Every value of its own, uniform."""
    return torch.rand(images.shape, generator=generator)


def smooth_grain(images: Tensor, generator: torch.Generator) -> Tensor:
    """Soft clouds, a few pixels wide, in random colours."""
    height, width = images.shape[-2:]
    coarse = torch.rand(len(images), 3, max(2, height // 6), max(2, width // 6), generator=generator)
    return F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False).clamp(0, 1)


def blank(images: Tensor, generator: torch.Generator) -> Tensor:
    """One random colour."""
    return torch.rand(len(images), 3, 1, 1, generator=generator).expand(images.shape).clone()


def two_valued(images: Tensor, generator: torch.Generator) -> Tensor:
    """A black-and-white mask: soft clouds cut at a random level."""
    clouds = smooth_grain(images, generator).mean(1, keepdim=True)
    levels = torch.rand(len(images), generator=generator) * 0.6 + 0.2
    cuts = torch.stack([cloud.quantile(level) for cloud, level in zip(clouds, levels, strict=True)])
    return (clouds > cuts.view(-1, 1, 1, 1)).float().expand(images.shape).clone()


DAMAGES: dict[str, Damage] = {
    "shuffled_patches": shuffle_patches,
    "blur": blur,
    "occlusion": occlude,
    "scrambled_phases": scramble,
}
NO_IMAGES: dict[str, Damage] = {
    "white_noise": white_noise,
    "smooth_grain": smooth_grain,
    "blank": blank,
    "two_valued": two_valued,
}


def damage_all(images: Tensor, generator: torch.Generator) -> Tensor:
    """All images under every kind of damage, kinds after each other, then as many that are none, their kinds in turn.

    Args:
        images: shape (n, 3, h, w), in [0, 1].
        generator: of all draws.

    Returns:
        Shape ((kinds + 1) n, 3, h, w).
    """
    damaged = [damage(images, generator) for damage in DAMAGES.values()]
    none = torch.empty_like(images)
    for number, make in enumerate(NO_IMAGES.values()):
        none[number :: len(NO_IMAGES)] = make(images[number :: len(NO_IMAGES)], generator)
    return torch.cat([*damaged, none])
