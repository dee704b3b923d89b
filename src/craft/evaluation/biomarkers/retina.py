"""A fundus photograph made ready to be measured: field, absorbance, vessels and optic disc.

All measures of `craft.evaluation.biomarkers.fundus` work on absorbance, the natural logarithm of the local background
over the image, channel by channel, so that illumination and pigmentation of the fundus cancel (Foracchia et al. 2005).
Blood and vessels absorb green light; only pooled blood is thick enough to absorb red light too, which tells it from
vessels. Exudates, cotton wool and fibrous tissue scatter: their absorbance is negative, and the white ones among them
scatter blue light most. Lengths are in diameters of the illuminated field, the *field diameters*.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import pi, sqrt

import numpy as np
from scipy import ndimage
from skimage.transform import resize

LOWEST, HIGHEST = 128, 384
RED, GREEN, BLUE = range(3)
ROUND, EDGE = 0.80, 0.04  # overlap of the field with a disk, and width of the field's edge in field diameters


@dataclass(frozen=True)
class Retina:
    """A fundus photograph made ready to be measured.

    Attributes:
        field: the illuminated field without its margin, boolean (height, width).
        diameter: of a circle of the field's area, in pixels.
        absorbance: (height, width, 3), 0 outside the field.
        is_round: whether the field is a disk, perhaps cut off at the image's edge or above and below, with an edge.
    """

    field: np.ndarray
    diameter: float
    absorbance: np.ndarray
    is_round: bool

    def pixels(self, length: float, least: int = 1) -> int:
        """A length in field diameters as a whole number of pixels."""
        return max(round(length * self.diameter), least)

    def inside(self, length: float) -> np.ndarray:
        """The field farther than a length, in field diameters, from its edge."""
        return self._depth > length * self.diameter

    @cached_property
    def _depth(self) -> np.ndarray:
        return distance_within(self.field)

    def share(self, mask: np.ndarray) -> float:
        """The part of the field that a mask covers."""
        return float((mask & self.field).sum() / self.field.sum())


def illuminated(image: np.ndarray) -> np.ndarray:
    """The illuminated field of an image with values in [0, 1], boolean (height, width); empty if there is none."""
    light = ndimage.uniform_filter(image.max(axis=2), 3)
    bright = float(np.quantile(light, 0.95))
    if bright < 0.08:
        return np.zeros(light.shape, dtype=bool)
    parts, count = ndimage.label(light > 0.25 * bright)
    if not count:
        return np.zeros(light.shape, dtype=bool)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return ndimage.binary_fill_holes(parts == sizes.argmax())


def distance_within(mask: np.ndarray) -> np.ndarray:
    """Distance in pixels to what lies outside of a mask (height, width); so does what lies beyond the image."""
    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def is_disk(image: np.ndarray, depth: np.ndarray) -> bool:
    """Whether a field is a disk with an edge, in an image whose corners, all but one, are dark.

    The disk may be cut off above and below, or reach beyond the image.

    Args:
        image: values in [0, 1], shape (height, width, 3).
        depth: distance of every pixel to the outside of the field, shape (height, width).
    """
    field = depth > 0
    rows, columns = (np.flatnonzero(field.any(axis=axis)) for axis in (1, 0))
    light = image.max(axis=2)
    share = light / max(float(np.quantile(light, 0.95)), 1e-6)
    if (share[[1, 1, -2, -2], [1, -2, 1, -2]] < 0.1).sum() < 3:
        return False
    middles = [0.5 * (places[0] + places[-1]) for places in (rows, columns)]
    reach = 0.5 * max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1.0
    down, across = np.ogrid[: field.shape[0], : field.shape[1]]
    round_field = np.hypot(down - middles[0], across - middles[1]) <= reach
    round_field &= (down >= rows[0]) & (down <= rows[-1])
    if (field & round_field).sum() < ROUND * (field | round_field).sum():
        return False
    dim = (share > 0.1) & (share < 0.5) & (depth < 0.1 * reach)
    return bool(dim.sum() < EDGE * np.pi * (2.0 * reach) ** 2)


def background(values: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Mean of `values` (height, width, n) about every pixel, over the pixels `inside`: Gaussian of that width.

    Computed on a coarse grid, which is exact enough for something that varies slowly.
    """
    step = max(int(sigma / 3), 1)
    weight = inside.astype(np.float32)[..., None]
    stack = np.concatenate([values * weight, weight], axis=2)
    height, width = inside.shape
    coarse = (-(-height // step), -(-width // step))
    padded = np.zeros((coarse[0] * step, coarse[1] * step, stack.shape[2]), dtype=np.float32)
    padded[:height, :width] = stack
    blocks = padded.reshape(coarse[0], step, coarse[1], step, -1).mean(axis=(1, 3))
    blurred = ndimage.gaussian_filter(blocks, (sigma / step, sigma / step, 0), mode="constant", truncate=3.0)
    mean = blurred[..., :-1] / np.maximum(blurred[..., -1:], 1e-4)
    finer = [interpolation(fine, fine_step, step) for fine, fine_step in zip(inside.shape, coarse, strict=True)]
    return np.stack([finer[0] @ mean[..., k] @ finer[1].T for k in range(mean.shape[2])], axis=2)


@lru_cache(maxsize=16)
def interpolation(fine: int, coarse: int, step: int) -> np.ndarray:
    """Matrix (fine, coarse) that interpolates linearly from blocks of `step` pixels; constant beyond the outer ones."""
    place = np.clip((np.arange(fine) + 0.5) / step - 0.5, 0.0, coarse - 1.0)
    return np.maximum(1.0 - np.abs(place[:, None] - np.arange(coarse)), 0.0).astype(np.float32)


def see_retina(image: np.ndarray) -> Retina | None:
    """Field and absorbance of a uint8 image, at a height of 128 to 384 pixels; None if nothing is illuminated."""
    pixels = image.astype(np.float32) / 255.0
    height, width = pixels.shape[:2]
    inner = min(max(height, LOWEST), HIGHEST)
    if inner != height:
        shape = (inner, max(round(width * inner / height), 1))
        pixels = resize(pixels, shape, order=1, anti_aliasing=inner < height).astype(np.float32)
    field = illuminated(pixels)
    if field.mean() < 0.1:
        return None
    depth = distance_within(field)
    diameter, is_round = sqrt(4.0 * field.sum() / pi), is_disk(pixels, depth)
    margin = max(round(0.018 * diameter), 2)
    field = depth > margin
    if not field.any():
        return None
    logs = np.log(pixels + 0.02)
    # the second pass leaves out what the first finds far from the background: vessels, lesions, the disc
    base = background(logs, field, 0.12 * diameter)
    off = np.abs(logs - base)[..., GREEN]
    base = background(logs, field & (off < max(0.15, float(np.quantile(off[field], 0.5)))), 0.12 * diameter)
    return Retina(field, diameter, np.where(field[..., None], base - logs, 0.0).astype(np.float32), is_round)


def disk(radius: int) -> np.ndarray:
    """A boolean disk of that radius in pixels."""
    return np.hypot(*np.ogrid[-radius : radius + 1, -radius : radius + 1]) <= radius + 0.3


@dataclass(frozen=True)
class Curvature:
    """Downward curvature of an image, arrays of its shape, in the image's units.

    Eigenvalues of the Hessian, normalised by scale (Lindeberg 1998): a ridge has only the larger, a spot has both.

    Attributes:
        largest, smallest: the eigenvalues.
        stretch, shear: half the difference of the second derivatives across and down, and the mixed one.
    """

    largest: np.ndarray
    smallest: np.ndarray
    stretch: np.ndarray
    shear: np.ndarray

    @property
    def direction(self) -> np.ndarray:
        """Direction of the smallest curvature, along a ridge: complex, its phase is twice the angle from the rows."""
        along = self.stretch + 1j * self.shear
        return along / np.maximum(np.abs(along), 1e-9)


def measure_curvature(values: np.ndarray, sigma: float) -> Curvature:
    """Curvature of `values` (height, width) blurred by `sigma` pixels."""
    yy, xx, xy = (
        ndimage.gaussian_filter(values, sigma, order=order, truncate=3.0) for order in ((2, 0), (0, 2), (1, 1))
    )
    middle, stretch = 0.5 * (yy + xx), 0.5 * (xx - yy)
    apart = np.sqrt(stretch**2 + xy**2)
    return Curvature(-sigma * sigma * (middle - apart), -sigma * sigma * (middle + apart), stretch, xy)


def find_vessels(retina: Retina, ridges: np.ndarray) -> np.ndarray:
    """Vessels, boolean (height, width): ridges of the green absorbance that are connected over a distance."""
    parts, _ = ndimage.label((ridges > 0.05) & retina.field, np.ones((3, 3)))
    extents = [np.hypot(box[0].stop - box[0].start, box[1].stop - box[1].start) for box in ndimage.find_objects(parts)]
    return np.concatenate([[False], np.array(extents) > 0.15 * retina.diameter])[parts]


def find_disc(retina: Retina, vessels: np.ndarray) -> tuple[int, int]:
    """Row and column of the optic disc: bright, where vessels converge (Hoover and Goldbaum 2003).

    Photographs are taken with the disc near the horizontal midline, so places far above or below it lose.
    """
    step = max(len(retina.field) // 96, 1)
    diameter = retina.diameter / step
    weight = retina.field[::step, ::step].astype(np.float32)
    bright = -0.5 * (retina.absorbance[..., RED] + retina.absorbance[..., GREEN])[::step, ::step]
    # closing spans the vessels that cross the disc
    bright = ndimage.grey_closing(np.clip(bright, -0.3, 0.5), footprint=disk(max(round(0.035 * diameter), 1)))
    dense = ndimage.uniform_filter(vessels.astype(np.float32), step)[::step, ::step]

    def local_mean(values: np.ndarray, sigma: float) -> np.ndarray:
        blur = [ndimage.gaussian_filter(v, sigma * diameter, truncate=2.5) for v in (values * weight, weight)]
        return blur[0] / np.maximum(blur[1], 0.25)

    score = local_mean(bright, 0.03) - local_mean(bright, 0.10) + 0.7 * local_mean(dense, 0.06)
    lit = np.flatnonzero(weight.any(axis=1))
    height = (np.arange(len(weight)) - 0.5 * (lit[0] + lit[-1])) / diameter
    score = np.where(weight > 0, score - 2.0 * height[:, None] ** 2, -np.inf)
    row, column = np.unravel_index(score.argmax(), score.shape)
    return int(row) * step, int(column) * step
