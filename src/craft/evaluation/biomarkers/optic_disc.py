"""Whether a fundus photograph shows an optic disc: one bright round area with an edge, in a fundus that has no other.

A disk and the ring around it are laid over every place. What absorbs, blood and vessels, counts on neither side, since
vessels cross the disc. Work is done on blocks of pixels, so that a field diameter is about sixty of them.
"""

from functools import lru_cache

import numpy as np
from scipy import fft, ndimage

from craft.evaluation.biomarkers.retina import GREEN, RED, Retina, disk

RADII = (0.062, 0.070, 0.080, 0.090)  # of a disc
RING = (0.010, 0.070)  # where the ring begins and ends beyond the disc
VESSEL, BLOOD = 0.05, 0.12  # curvature and absorbance from which a pixel counts on neither side
KNOWN = 0.25  # share of the disk, and of the ring, that must count
FAINT = 0.003  # added variance, so that a faint but even area is not taken for the clearest
EVEN, BRIGHTER = 0.79, 0.10  # how well two levels describe disk and ring, 1 perfectly; and how far the levels lie apart
SPREAD, OTHERS = 1.0, 2.5  # of the rest of the field, over that contrast; and bright area elsewhere, in disc areas


def shows_disc(retina: Retina, ridges: np.ndarray) -> bool:
    """Whether there is an optic disc; `ridges` is the largest curvature of the green absorbance, (height, width)."""
    absorbing = 0.5 * (retina.absorbance[..., RED] + retina.absorbance[..., GREEN])
    hidden = ndimage.binary_dilation((ridges > VESSEL) | (absorbing > BLOOD), iterations=2)
    field = retina.inside(0.01)
    light = np.clip(ndimage.gaussian_filter(-absorbing, 0.5), -0.3, 1.0)
    step = max(round(retina.diameter / 60), 1)
    weight = in_blocks(field & ~hidden, step)
    sums = [weight, in_blocks(np.where(hidden | ~field, 0.0, light), step)]
    sums.append(in_blocks(np.where(hidden | ~field, 0.0, np.square(light)), step))
    best = best_place(np.stack(sums), retina.diameter / step)
    if best is None:
        return False
    evenness, contrast, level, radius, row, column = best
    if evenness < EVEN or contrast < BRIGHTER:
        return False
    rows, columns = np.ogrid[: field.shape[0], : field.shape[1]]
    rest = field & (np.hypot(rows - row * step, columns - column * step) > 1.5 * radius * retina.diameter)
    closed = ndimage.grey_closing(light, footprint=disk(retina.pixels(0.015)))
    bright = ndimage.binary_opening((closed > level) & field, disk(retina.pixels(0.025)))
    area = np.pi * (radius * retina.diameter) ** 2
    return bool(light[rest].std() <= SPREAD * contrast and (bright & rest).sum() <= OTHERS * area)


def in_blocks(values: np.ndarray, step: int) -> np.ndarray:
    """Means over blocks of `step` by `step` pixels; what is left over at the lower and the right edge is cut off."""
    height, width = (side // step for side in values.shape)
    return values[: height * step, : width * step].reshape(height, step, width, step).mean(axis=(1, 3))


@lru_cache(maxsize=16)
def templates(shape: tuple[int, int], diameter: float) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Spectra of the disks and rings, their areas (2, radii), and the padded shape; `diameter` in blocks."""
    padded = tuple(fft.next_fast_len(side + int(0.4 * diameter), real=True) for side in shape)
    offsets = [np.minimum(np.arange(side), side - np.arange(side)) for side in padded]
    far = np.hypot(offsets[0][:, None], offsets[1]) / diameter
    disks = [far < radius - 0.004 for radius in RADII]
    rings = [(far > radius + RING[0]) & (far < radius + RING[1]) for radius in RADII]
    kernels = np.array([disks, rings], dtype=np.float32)
    return fft.rfft2(kernels), kernels.sum(axis=(2, 3)), padded


def best_place(sums: np.ndarray, diameter: float) -> tuple[float, float, float, float, int, int] | None:
    """The disk that two levels describe best.

    Args:
        sums: what counts, its light and its squared light, shape (3, rows, columns).
        diameter: of the field, in blocks.

    Returns:
        How well two levels describe disk and ring, their difference, the level midway, radius, row and column; None
        where too little counts.
    """
    rows, columns = sums.shape[1:]
    spectra, areas, padded = templates((rows, columns), round(diameter, 1))
    laid = fft.irfft2(fft.rfft2(sums, padded)[:, None, None] * spectra, padded)[..., :rows, :columns]
    count, light, squares = np.maximum(laid[0], 1e-3), laid[1], laid[2]
    mean = light / count
    variance = np.maximum(squares / count - np.square(mean), 0.0).sum(axis=0)
    contrast = mean[0] - mean[1]
    evenness = contrast / np.sqrt(np.square(contrast) + 2.0 * variance + FAINT)
    evenness[(laid[0] < KNOWN * areas[..., None, None]).any(axis=0)] = -1.0
    size, row, column = np.unravel_index(evenness.argmax(), evenness.shape)
    place = size, row, column
    if evenness[place] <= 0:
        return None
    level = 0.5 * (mean[0][place] + mean[1][place])
    return float(evenness[place]), float(contrast[place]), float(level), RADII[size], int(row), int(column)
