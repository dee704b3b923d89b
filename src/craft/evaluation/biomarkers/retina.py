"""A fundus photograph made ready to be measured: field, absorbance, vessels and optic disc.

All measures of `craft.evaluation.biomarkers.fundus` work on absorbance, the natural logarithm of the local background
over the image, channel by channel, so that illumination and pigmentation of the fundus cancel (Foracchia et al. 2005).
Blood and vessels absorb green light; only pooled blood is thick enough to absorb red light too, which tells it from
vessels. Exudates, cotton wool and fibrous tissue scatter: their absorbance is negative, and the white ones among them
scatter blue light most. Lengths are in diameters of the illuminated field, the *field diameters*.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from scipy import ndimage
from skimage.transform import resize

LOWEST, HIGHEST = 128, 384
RED, GREEN, BLUE = range(3)


@dataclass(frozen=True)
class Retina:
    """A fundus photograph made ready to be measured.

    Attributes:
        field: the illuminated field without its margin, boolean (height, width).
        diameter: of a circle of the field's area, in pixels.
        absorbance: (height, width, 3), 0 outside the field.
    """

    field: np.ndarray
    diameter: float
    absorbance: np.ndarray

    def pixels(self, length: float, least: int = 1) -> int:
        """A length in field diameters as a whole number of pixels."""
        return max(round(length * self.diameter), least)

    def inside(self, length: float) -> np.ndarray:
        """The field farther than a length, in field diameters, from its edge."""
        return ndimage.distance_transform_edt(np.pad(self.field, 1))[1:-1, 1:-1] > length * self.diameter

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
    rows = (np.arange(height) + 0.5) / step - 0.5
    columns = (np.arange(width) + 0.5) / step - 0.5
    return np.stack(
        [
            ndimage.map_coordinates(mean[..., k], np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")
            for k in range(mean.shape[2])
        ],
        axis=2,
    )


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
    diameter = sqrt(4.0 * field.sum() / pi)
    margin = max(round(0.018 * diameter), 2)
    field = ndimage.distance_transform_edt(np.pad(field, 1))[1:-1, 1:-1] > margin
    if not field.any():
        return None
    logs = np.log(pixels + 0.02)
    # the second pass leaves out what the first finds far from the background: vessels, lesions, the disc
    base = background(logs, field, 0.12 * diameter)
    off = np.abs(logs - base)[..., GREEN]
    base = background(logs, field & (off < max(0.15, float(np.quantile(off[field], 0.5)))), 0.12 * diameter)
    return Retina(field, diameter, np.where(field[..., None], base - logs, 0.0).astype(np.float32))


def disk(radius: int) -> np.ndarray:
    """A boolean disk of that radius in pixels."""
    return np.hypot(*np.ogrid[-radius : radius + 1, -radius : radius + 1]) <= radius + 0.3


def curvatures(values: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Largest and smallest downward curvature of `values` blurred by `sigma` pixels, in units of the values.

    Eigenvalues of the Hessian, normalised by scale (Lindeberg 1998): a ridge has only the first, a spot has both.
    """
    yy, xx, xy = (
        ndimage.gaussian_filter(values, sigma, order=order, truncate=3.0) for order in ((2, 0), (0, 2), (1, 1))
    )
    middle, apart = 0.5 * (yy + xx), np.sqrt((0.5 * (yy - xx)) ** 2 + xy**2)
    return -sigma * sigma * (middle - apart), -sigma * sigma * (middle + apart)


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
