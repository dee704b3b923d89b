"""Whether a fundus photograph shows an optic disc: one bright round area with an edge, in a fundus that has no other.

A disk and the ring around it are laid over every place. What absorbs, blood and vessels, counts on neither side, since
vessels cross the disc. Work is done on blocks of pixels, so that a field diameter is about sixty of them.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, ndimage

from craft.evaluation.biomarkers.retina import GREEN, RED, Retina, disk

RADII = (0.062, 0.070, 0.080, 0.090)  # of a disc
RING = (0.010, 0.070)  # where the ring begins and ends beyond the disc
VESSEL, BLOOD = 0.05, 0.12  # curvature and absorbance from which a pixel counts on neither side
KNOWN = 0.25  # share of the disk, and of the ring, that must count
FAINT = 0.003  # added variance, so that a faint but even area is not taken for the clearest
LEVEL = 0.15  # how far above or below the middle of the field a disc lies: photographs are taken so
NEAR = 0.12  # how far from the place where vessels run together it may lie


@dataclass(frozen=True)
class Limits:
    """What a disc must reach.

    Attributes:
        evenness: least evenness.
        contrast: least contrast.
        spread: largest spread of the rest of the field, over the contrast.
        others: largest area elsewhere that is as bright, in disc areas.
    """

    evenness: float
    contrast: float
    spread: float
    others: float


CLEAR, EXPECTED = Limits(0.80, 0.10, 1.0, 2.5), Limits(0.66, 0.07, 1.8, 3.0)


@dataclass(frozen=True)
class Place:
    """A disk that two levels describe.

    Attributes:
        evenness: how well they describe disk and ring, at most 1.
        contrast: their difference.
        level: midway between them.
        radius: of the disk, in field diameters.
        row, column: its centre, in pixels.
    """

    evenness: float
    contrast: float
    level: float
    radius: float
    row: int
    column: int


def shows_disc(retina: Retina, ridges: np.ndarray, tree: tuple[int, int] | None) -> bool:
    """Whether there is an optic disc.

    Where the vessels run together a disc is expected, and one that new vessels half cover is still recognised.

    Args:
        retina: the photograph.
        ridges: largest curvature of its green absorbance, (height, width).
        tree: row and column of the place where its vessels run together; None where they do not.
    """
    absorbing = 0.5 * (retina.absorbance[..., RED] + retina.absorbance[..., GREEN])
    hidden = ndimage.binary_dilation((ridges > VESSEL) | (absorbing > BLOOD), iterations=2)
    light = np.clip(ndimage.gaussian_filter(-absorbing, 0.5), -0.3, 1.0)
    seen = retina.inside(0.01) & ~hidden
    step = max(round(retina.diameter / 60), 1)
    sums = [in_blocks(np.where(seen, values, 0.0), step) for values in (np.ones_like(light), light, np.square(light))]
    laid = Laid.over(np.stack(sums), retina.diameter / step)
    rows, columns = np.ogrid[: laid.evenness.shape[1], : laid.evenness.shape[2]]
    lit = sums[0].sum(axis=1)
    middle = np.average(np.arange(len(lit)), weights=lit + 1e-6)
    usual = np.broadcast_to(np.abs(rows - middle) * step < LEVEL * retina.diameter, laid.evenness.shape[1:])
    if is_disc(retina, light, laid.best(usual, step), CLEAR):
        return True
    if tree is None:
        return False
    near = np.hypot(rows * step - tree[0], columns * step - tree[1]) < NEAR * retina.diameter
    return is_disc(retina, light, laid.best(near, step), EXPECTED)


def is_disc(retina: Retina, light: np.ndarray, place: Place | None, limits: "Limits") -> bool:
    """Whether a disk is even and bright enough, and the rest of the field (height, width) has no such area."""
    if place is None or place.evenness < limits.evenness or place.contrast < limits.contrast:
        return False
    field = retina.inside(0.01)
    rows, columns = np.ogrid[: field.shape[0], : field.shape[1]]
    rest = field & (np.hypot(rows - place.row, columns - place.column) > 1.5 * place.radius * retina.diameter)
    closed = ndimage.grey_closing(light, footprint=disk(retina.pixels(0.015)))
    bright = ndimage.binary_opening((closed > place.level) & field, disk(retina.pixels(0.025)))
    others = (bright & rest).sum() / (np.pi * (place.radius * retina.diameter) ** 2)
    return bool(light[rest].std() <= limits.spread * place.contrast and others <= limits.others)


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


@dataclass(frozen=True)
class Laid:
    """Disks and rings laid over every block; arrays of shape (radii, rows, columns).

    Attributes:
        evenness: how well two levels describe disk and ring, at most 1; -1 where too little of either is seen.
        contrast: difference of the levels.
        level: midway between them.
    """

    evenness: np.ndarray
    contrast: np.ndarray
    level: np.ndarray

    @classmethod
    def over(cls, sums: np.ndarray, diameter: float) -> "Laid":
        """Lay them.

        Args:
            sums: what is seen, its light and its squared light by block, shape (3, rows, columns).
            diameter: of the field, in blocks.
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
        return cls(evenness, contrast, 0.5 * (mean[0] + mean[1]))

    def best(self, allowed: np.ndarray, step: int) -> Place | None:
        """The most even disk whose centre lies in an allowed block (rows, columns); `step` is a block's side."""
        place = np.unravel_index(np.where(allowed, self.evenness, -1.0).argmax(), self.evenness.shape)
        if self.evenness[place] <= 0 or not allowed[place[1:]]:
            return None
        values = (float(array[place]) for array in (self.evenness, self.contrast, self.level))
        return Place(*values, RADII[place[0]], int(place[1]) * step, int(place[2]) * step)
