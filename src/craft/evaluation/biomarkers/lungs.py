"""Segmentation of the lungs in a frontal chest radiograph, air dark.

All work is done on a square of `SIDE` pixels. Left and right are those of the image: the patient's right lung is left.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import convex_hull_image, disk
from skimage.transform import resize

SIDE = 96
FAINTEST = 0.05  # range of grey in [0, 1] below which nothing is seen
DISC = disk(3)
LOWEST = 10  # rows of the smallest lung that is measured
APEX = -0.20  # height below which no shoulder is, in image sides from the middle
ROWS, COLUMNS = np.indices((SIDE, SIDE))
ACROSS, DOWN = (COLUMNS + 0.5) / SIDE - 0.5, (ROWS + 0.5) / SIDE - 0.5


@dataclass(frozen=True)
class Lungs:
    """The segmented lungs, arrays of shape (SIDE, SIDE).

    Attributes:
        grey: the radiograph in [0, 1], slightly smoothed.
        body: the patient, without the dark surroundings.
        middle: column of the spine.
        sides: masks of the lung left and right of it.
    """

    grey: np.ndarray
    body: np.ndarray
    middle: int
    sides: tuple[np.ndarray, np.ndarray]

    @cached_property
    def both(self) -> np.ndarray:
        return self.sides[0] | self.sides[1]

    @cached_property
    def walls(self) -> tuple[float, float]:
        """Columns of the left and the right inner chest wall."""
        left, right = (np.nonzero(side)[1] for side in self.sides)
        return float(np.percentile(left, 3)), float(np.percentile(right, 97))

    @cached_property
    def width(self) -> float:
        """Widest inner width of the chest in pixels."""
        return self.walls[1] - self.walls[0]

    @cached_property
    def hulls(self) -> tuple[np.ndarray, np.ndarray]:
        """Convex hulls of the lungs, each on its own side: they hold opacities that the lung itself is cut out of."""
        left, right = (convex_hull_image(side) for side in self.sides)
        return left & (self.middle > COLUMNS), right & (self.middle < COLUMNS)

    @cached_property
    def contrast(self) -> float:
        """Grey of the heart less that of air."""
        return max(self._soft - self._air, 0.02)

    @cached_property
    def density(self) -> np.ndarray:
        """Grey as a share of the contrast: 0 as dark as air, 1 as white as the heart."""
        return (self.grey - self._air) / self.contrast

    @property
    def _soft(self) -> float:
        heart = (np.abs(COLUMNS - self.middle) < 0.05 * SIDE) & (ROWS > 0.55 * SIDE) & (ROWS < 0.75 * SIDE)
        return float(np.median(self.grey[heart]))

    @property
    def _air(self) -> float:
        return float(np.percentile(self.grey[self.both], 20))


def shrink(image: np.ndarray) -> np.ndarray:
    """The mean of the three channels in [0, 1] at the working size."""
    grey = image.astype(np.float32).mean(axis=-1) / 255.0
    scale = min(grey.shape) / SIDE
    if scale > 1:
        grey = ndimage.gaussian_filter(grey, 0.4 * scale)
    return resize(grey, (SIDE, SIDE), order=1, anti_aliasing=False).astype(np.float32)


def find_body(grey: np.ndarray, low: float, high: float) -> np.ndarray:
    """The image without what is dark and reaches its upper or lateral border."""
    pieces, _ = ndimage.label(ndimage.binary_opening(grey < low + 0.25 * (high - low)))
    border = np.unique(np.concatenate([pieces[0], pieces[:, 0], pieces[:, -1]]))
    return ~np.isin(pieces, border[border > 0])


def pick_lung(dark: np.ndarray, likely: np.ndarray) -> np.ndarray | None:
    """Of the dark areas on one side those that lie where a lung lies; thin extensions are cut off."""
    pieces, count = ndimage.label(ndimage.binary_opening(dark, DISC))
    if count == 0:
        return None
    index = np.arange(1, count + 1)
    total, mean = (measure(likely, pieces, index) for measure in (ndimage.sum, ndimage.mean))
    kept = np.isin(pieces, 1 + np.flatnonzero((total > 0.25 * np.max(total)) & (np.asarray(mean) > 0.3)))
    if not kept.any():
        return None
    lung = ndimage.binary_fill_holes(ndimage.binary_dilation(kept, DISC) & ndimage.binary_opening(dark))
    lung = cut_shoulder(lung)
    return lung if lung.any(axis=1).sum() >= LOWEST else None


def cut_shoulder(lung: np.ndarray) -> np.ndarray:
    """The lung without what widens again above its apex, which is air over the shoulder."""
    widths = lung.sum(axis=1)
    apex = min(int((0.5 + APEX) * SIDE), int(np.flatnonzero(widths)[-1]))
    for row in range(apex - 1, -1, -1):
        narrowest = row + 1 + int(widths[row + 1 : apex + 1].argmin())
        if widths[row] > 1.4 * widths[narrowest] + 2:
            return lung & (narrowest <= ROWS)
    return lung


def segment_lungs(image: np.ndarray) -> Lungs | None:
    """Find both lungs.

    Grey less a part of its wide mean is thresholded (Otsu 1979) within the body; on each side of the spine, the
    brightest column, the dark areas near the usual place of a lung are kept.

    Args:
        image: uint8 of shape (height, width, 3).

    Returns:
        None where the image is blank or has no lung on one side, as when a side is all white.
    """
    grey = ndimage.gaussian_filter(shrink(image), 1.0)
    low, high = np.percentile(grey, [2, 98])
    if high - low < FAINTEST:
        return None
    body = find_body(grey, low, high)
    weight = body.astype(np.float32)
    wide = ndimage.gaussian_filter(grey * weight, 14.0) / np.maximum(ndimage.gaussian_filter(weight, 14.0), 1e-3)
    flat = grey - 0.7 * wide
    chest = body & (np.abs(ACROSS) < 0.40) & (DOWN > -0.40) & (DOWN < 0.38)
    if chest.sum() < 200:
        return None
    brightness = ndimage.gaussian_filter1d(np.where(body, grey, low)[20:75].mean(axis=0), 3.0)
    middle = SIDE // 3 + int(np.argmax(brightness[SIDE // 3 : 2 * SIDE // 3]))
    aside = np.abs(COLUMNS - middle) / SIDE
    # above the shoulders the air around the body is as dark as a lung
    dome = ((aside - 0.17) / 0.25) ** 2 + (np.minimum(DOWN + 0.1, 0.0) / 0.37) ** 2 < 1.0
    dark = body & (flat < threshold_otsu(flat[chest])) & (np.abs(ACROSS) < 0.46) & (dome | (DOWN > -0.1))
    likely = np.exp(-0.5 * (((aside - 0.22) / 0.13) ** 2 + ((DOWN + 0.02) / 0.25) ** 2))
    left = pick_lung(dark & (middle - 2 > COLUMNS), likely)
    right = pick_lung(dark & (middle + 2 < COLUMNS), likely)
    return None if left is None or right is None else Lungs(grey, body, middle, (left, right))
