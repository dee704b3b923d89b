"""Comparing pictures as pictures: grey, of one size, mirrored or not, shifted by a few pixels.

Mirroring and shifting hide a copy from every pixel distance, so pairs are first brought to the best overlap.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

# ITU-R BT.601
LUMA = (0.299, 0.587, 0.114)
SSIM_WINDOW = 7
SSIM_CONSTANTS = (0.01**2, 0.03**2)


@dataclass(frozen=True)
class Comparison:
    """How alike the two pictures of every pair are at their best overlap.

    Attributes:
        distance: normalised L2, that of the two windows at mean 0 and length 1, shape (n,), in [0, 2]; the square root
            of 2 - 2 * correlation.
        ssim: structural similarity (Wang et al. 2004), shape (n,), in [-1, 1].
        shift: how far down and right the second picture lies, pixels, shape (n, 2).
    """

    distance: Tensor
    ssim: Tensor
    shift: Tensor


def to_grey(images: Tensor, size: int) -> Tensor:
    """Grey pictures (n, size, size) of colour images (n, 3, h, w) in [0, 1]."""
    grey = torch.einsum("nchw,c->nhw", images, torch.tensor(LUMA))[:, None]
    if grey.shape[-2:] != (size, size):
        grey = F.interpolate(grey, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    return grey[:, 0]


def thumbnails(pictures: Tensor, size: int = 16) -> Tensor:
    """Vectors (n, size * size) of mean 0 and length 1, for the search of candidates among pictures (n, h, w)."""
    return standardise(F.adaptive_avg_pool2d(pictures, size))


def align(first: Tensor, second: Tensor, reach: int) -> Tensor:
    """Where the inner window of each first picture fits best into the second picture.

    Correlations of all shifts come from one Fourier transform; as the window is padded with zeros, none wraps around.

    Args:
        first: pictures, shape (n, h, w).
        second: pictures, shape (n, h, w).
        reach: largest shift each way, pixels.

    Returns:
        Shift (n, 2), down and right, each in [-reach, reach], of the highest correlation.
    """
    inner = inner_window(first, reach)
    height, width = inner.shape[1:]
    inner = F.pad(inner - inner.mean((1, 2), keepdim=True), (0, 2 * reach, 0, 2 * reach))
    second = second - second.mean((1, 2), keepdim=True)
    spectrum = torch.fft.rfft2(second) * torch.fft.rfft2(inner).conj()
    places = 2 * reach + 1
    products = torch.fft.irfft2(spectrum, s=second.shape[1:])[:, :places, :places]
    mean, square = (window_means(values, height, width) for values in (second, second.square()))
    lengths = (square - mean.square()).clamp_min(1e-10).sqrt()
    best = (products / lengths).flatten(1).argmax(1)
    return torch.stack([best // places, best % places], dim=1) - reach


def window_means(values: Tensor, height: int, width: int) -> Tensor:
    """Means of all windows of a size, shape (n, h - height + 1, w - width + 1), of values (n, h, w).

    Two products with banded matrices; faster than pooling, and without the lost digits of running sums.
    """

    def band(side: int, window: int) -> Tensor:
        offset = torch.arange(side)[:, None] - torch.arange(side - window + 1)
        return ((offset >= 0) & (offset < window)) / window

    return band(values.shape[1], height).T @ (values @ band(values.shape[2], width))


def inner_window(pictures: Tensor, reach: int, shift: Tensor | None = None) -> Tensor:
    """Windows (n, h - 2 reach, w - 2 reach) of pictures (n, h, w), about the centre or moved by shifts (n, 2)."""
    n, height, width = pictures.shape
    if shift is None:
        shift = torch.zeros(n, 2, dtype=torch.long)
    rows = torch.arange(height - 2 * reach) + (shift[:, :1] + reach)
    columns = torch.arange(width - 2 * reach) + (shift[:, 1:] + reach)
    return pictures[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def standardise(windows: Tensor) -> Tensor:
    """Vectors (n, h * w) of mean 0 and length 1 of windows (n, h, w)."""
    return F.normalize((windows - windows.mean((1, 2), keepdim=True)).flatten(1), dim=1)


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Mean structural similarity (n,) of pictures (n, h, w) in [0, 1], with a uniform window.

    The same number as `skimage.metrics.structural_similarity(first, second, data_range=1)`.
    """

    mean = partial(window_means, height=SSIM_WINDOW, width=SSIM_WINDOW)
    unbiased = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)
    mean_1, mean_2 = mean(first), mean(second)
    variances = unbiased * (mean(first.square()) + mean(second.square()) - mean_1.square() - mean_2.square())
    covariance = unbiased * (mean(first * second) - mean_1 * mean_2)
    c1, c2 = SSIM_CONSTANTS
    luminance = (2 * mean_1 * mean_2 + c1) / (mean_1.square() + mean_2.square() + c1)
    return (luminance * (2 * covariance + c2) / (variances + c2)).mean((1, 2))


def compare(first: Tensor, second: Tensor, reach: int) -> Comparison:
    """Bring every pair of pictures (n, h, w) to its best overlap and compare what overlaps."""
    shift = align(first, second, reach)
    one, two = inner_window(first, reach), inner_window(second, reach, shift)
    return Comparison((standardise(one) - standardise(two)).norm(dim=1), ssim(one, two), shift)
