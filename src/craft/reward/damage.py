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


def melt(images: Tensor, generator: torch.Generator, amount: float = 0.06) -> Tensor:
    """Bend every image by a random field of displacements, up to `amount` of the side: lines become blots."""
    n, _, height, width = images.shape
    coarse = torch.rand(n, 2, 10, 10, generator=generator) * 2 - 1
    field = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
    straight = F.affine_grid(torch.eye(2, 3).expand(n, 2, 3), [n, 1, height, width], align_corners=False)
    grid = straight.to(images) + 2 * amount * field.permute(0, 2, 3, 1).to(images)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def smear(images: Tensor, generator: torch.Generator, radius: int = 2) -> Tensor:
    """Close every image's dark lines, then open its bright ones, up to 2 * radius pixels wide; large shapes stay."""
    side, border = 2 * radius + 1, (radius,) * 4

    def largest(x: Tensor) -> Tensor:
        return F.max_pool2d(F.pad(x, border, mode="replicate"), side, stride=1)

    closed = -largest(-largest(images))
    return largest(-largest(-closed))


def blots(images: Tensor, generator: torch.Generator, count: int = 24, strength: float = 0.35) -> Tensor:
    """Lay dark and bright round spots over every image, at random places inside of its frame."""
    n, _, height, width = images.shape
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    draw = torch.rand(count, n, 4, generator=generator)
    veil = torch.zeros(n, height, width)
    for left, top, size, tone in (each.T for each in draw):
        radius = (0.015 + 0.035 * size).view(n, 1, 1)
        distance = (x - (0.15 + 0.7 * left).view(n, 1, 1)).square() + (y - (0.15 + 0.7 * top).view(n, 1, 1)).square()
        veil += (tone - 0.6).view(n, 1, 1).sign() * torch.exp(-distance / (2 * radius.square()))
    return (images + strength * veil.clamp(-1, 1)[:, None].to(images)).clamp(0, 1)


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
    "melting": melt,
    "smearing": smear,
    "blots": blots,
}
NO_IMAGES: dict[str, Damage] = {
    "white_noise": white_noise,
    "smooth_grain": smooth_grain,
    "blank": blank,
    "two_valued": two_valued,
}
# how many copies of every calibration image are damaged, each in another way
COPIES = 4


def damage_in_turn(images: Tensor, kinds: Tensor, generator: torch.Generator) -> Tensor:
    """Every image under a kind of its own.

    Args:
        images: shape (n, 3, h, w), in [0, 1].
        kinds: numbers of `DAMAGES` and, after them, of `NO_IMAGES`; below 0 an image stays as it is; shape (n,), or
            (copies * n,) for several copies of all images after each other.
        generator: of all draws.
    """
    damaged = images.repeat(len(kinds) // max(1, len(images)), 1, 1, 1)
    for kind, damage in enumerate((DAMAGES | NO_IMAGES).values()):
        rows = torch.nonzero(kinds == kind).flatten()
        if len(rows):
            damaged[rows] = damage(images[rows % len(images)], generator)
    return damaged


def damage_all(images: Tensor, generator: torch.Generator, start: int = 0) -> Tensor:
    """`COPIES` damaged copies of all images, copies after each other, all kinds as often; shape (COPIES * n, 3, h, w).

    Args:
        images: shape (n, 3, h, w), in [0, 1].
        generator: of all draws.
        start: how many images came before these, where they come in parts.
    """
    count = len(DAMAGES) + len(NO_IMAGES)
    kinds = torch.cat([(start + torch.arange(len(images)) + 3 * copy) % count for copy in range(COPIES)])
    return damage_in_turn(images, kinds, generator)
