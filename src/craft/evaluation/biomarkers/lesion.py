"""Segmentation of a skin lesion in a dermoscopy image: hair, visible field, skin colour, outline.

All work is done at one size, the shorter side `SIDE` pixels, so that a filter's width means the same on every image.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.filters import threshold_otsu
from skimage.transform import resize

SIDE = 96  # shorter side of the image at which everything is measured, pixels
DARK = 22.0  # lightness L* of the frame around a round field of view
FAINTEST = 4.0  # colour difference (CIE 1976) to the skin below which there is no lesion
EDGE = 0.165  # step across an edge, as a share of the colour difference between lesion and skin
PLAIN = 0.30  # the same share, up to which the surroundings are skin
HAIR_DEPTH, HAIR_LENGTH, HAIR_WIDTH = 0.09, 17, 2.3  # darkness of a hair in [0, 1], its length and half-width in pixels


@dataclass(frozen=True)
class SkinLesion:
    """A segmented lesion, arrays of shape (rows, columns) or (rows, columns, 3) at the working size.

    Attributes:
        rgb: colours without hairs, in [0, 1].
        lab: the same in CIE L*a*b*.
        skin: colour of the skin, interpolated below the lesion, in L*a*b*.
        mask: the lesion.
        field: the visible field, without the black corners of a round one.
    """

    rgb: np.ndarray
    lab: np.ndarray
    skin: np.ndarray
    mask: np.ndarray
    field: np.ndarray

    @property
    def contrast(self) -> float:
        """Median colour difference between lesion and skin."""
        return float(np.median(np.linalg.norm(self.lab - self.skin, axis=-1)[self.mask]))


def shrink(image: np.ndarray) -> np.ndarray:
    """The image at the working size, in [0, 1]."""
    scale = SIDE / min(image.shape[:2])
    pixels = image.astype(np.float32) / 255.0
    if scale < 1:
        blur = 0.5 * (1.0 / scale - 1.0)
        pixels = ndimage.gaussian_filter(pixels, (blur, blur, 0))
    shape = [max(round(side * scale), SIDE) for side in image.shape[:2]]
    return np.clip(resize(pixels, shape, order=1, anti_aliasing=False), 0.0, 1.0).astype(np.float32)


def line_footprints(length: int, directions: int = 8) -> list[np.ndarray]:
    """Straight lines of one pixel's width in several directions, as footprints of a morphological opening."""
    middle, along = length // 2, np.linspace(-(length // 2), length // 2, 2 * length)
    lines = []
    for angle in np.arange(directions) * (np.pi / directions):
        line = np.zeros((length, length), dtype=bool)
        rows, columns = np.sin(angle) * along, np.cos(angle) * along
        line[np.round(middle + rows).astype(int), np.round(middle + columns).astype(int)] = True
        lines.append(line)
    return lines


LINES = line_footprints(HAIR_LENGTH)


def open_along(mask: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Morphological opening of a mask by a line: only its pixels where the whole line fits; nothing fits beyond it."""
    reach = len(line) // 2
    steps = [(row - reach, column - reach) for row, column in np.argwhere(line)]

    def shifted(values: np.ndarray, sign: int):
        wide = np.pad(values, reach)
        for row, column in steps:
            top, left = reach + sign * row, reach + sign * column
            yield wide[top : top + mask.shape[0], left : left + mask.shape[1]]

    fits = np.ones_like(mask)
    for window in shifted(mask, 1):
        fits &= window
    opened = np.zeros_like(mask)
    if fits.any():
        for window in shifted(fits, -1):
            opened |= window
    return opened


def find_hair(rgb: np.ndarray) -> np.ndarray:
    """Thin long dark structures: the black top-hat of DullRazor (Lee et al. 1997), kept where a straight line fits."""
    grey = 0.5 * rgb.min(axis=-1) + 0.5 * rgb.mean(axis=-1)
    dark = ndimage.grey_closing(grey, size=(7, 7)) - grey > HAIR_DEPTH
    if not dark.any():
        return dark
    hair = np.logical_or.reduce([open_along(dark, line) for line in LINES])
    pieces, count = ndimage.label(hair, np.ones((3, 3)))
    if count == 0:
        return hair
    # a small round lesion is as dark, but not as thin
    width = ndimage.maximum(ndimage.distance_transform_edt(hair), pieces, np.arange(1, count + 1))
    return np.isin(pieces, 1 + np.flatnonzero(width <= HAIR_WIDTH))


def remove(rgb: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """The image with the hair replaced by the mean colour around it."""
    if not hair.any():
        return rgb
    hair = ndimage.binary_dilation(hair)
    weight = ndimage.gaussian_filter((~hair).astype(np.float32), 3.0)
    around = ndimage.gaussian_filter(np.where(hair[..., None], 0.0, rgb), (3.0, 3.0, 0.0)) / (weight[..., None] + 1e-3)
    return np.where(hair[..., None], around, rgb).astype(np.float32)


def shows_lesion(lesion: SkinLesion) -> bool:
    """Whether the outline is an edge and what lies outside it is skin."""
    difference = np.linalg.norm(ndimage.gaussian_filter(lesion.lab, (1.0, 1.0, 0.0)) - lesion.skin, axis=-1)
    inside = ndimage.distance_transform_edt(np.pad(lesion.mask, 1))[1:-1, 1:-1]
    outside = np.where(lesion.field, ndimage.distance_transform_edt(~lesion.mask), np.inf)
    core = inside > 3
    near, rest = ~lesion.mask & (outside <= 3), lesion.field & (outside > 6)
    if not core.any() or not near.any():
        return False
    strength = difference[core].mean()
    step = difference[lesion.mask & (inside <= 2)].mean() - difference[near].mean()
    even = not rest.any() or np.median(difference[rest]) <= PLAIN * strength
    return bool(step >= EDGE * strength and even)


def visible_field(lightness: np.ndarray) -> np.ndarray:
    """The image without dark corners."""
    pieces, _ = ndimage.label(lightness < DARK)
    corners = {int(pieces[row, column]) for row in (0, -1) for column in (0, -1)} - {0}
    if not corners:
        return np.ones(lightness.shape, dtype=bool)
    return ~ndimage.binary_dilation(np.isin(pieces, list(corners)), iterations=4)


def positions(shape: tuple[int, int]) -> np.ndarray:
    """Terms of a quadratic surface at every pixel, shape (rows, columns, 5): 1, x, y, x², y² with x, y in [-1, 1]."""
    y, x = np.meshgrid(*(np.linspace(-1.0, 1.0, side, dtype=np.float32) for side in shape), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, y * y], axis=-1)


def strongest(mask: np.ndarray, strength: np.ndarray, share: float = 0.4) -> np.ndarray:
    """The component of the largest summed strength, and those with at least `share` of it."""
    pieces, count = ndimage.label(mask)
    if count == 0:
        return mask
    total = ndimage.sum(strength, pieces, np.arange(1, count + 1))
    return np.isin(pieces, 1 + np.flatnonzero(total >= share * total.max()))


def segment_lesion(image: np.ndarray) -> SkinLesion | None:
    """Find the lesion near the middle of the image.

    The colour difference to the skin is thresholded (Otsu 1979) after a preference for the middle. The skin is first
    the median colour of the image's rim, then a quadratic surface through what lies outside the outline, which takes
    up vignetting and uneven light.

    Args:
        image: uint8 of shape (height, width, 3).

    Returns:
        None where the field is dark or nothing differs from the skin.
    """
    rgb = shrink(image)
    rgb = remove(rgb, find_hair(rgb))
    lab = rgb2lab(rgb).astype(np.float32)
    field = visible_field(lab[..., 0])
    if field.mean() < 0.2:
        return None
    smooth = ndimage.gaussian_filter(lab, (1.5, 1.5, 0))
    terms = positions(field.shape)
    radius = terms[..., 3] + terms[..., 4]
    rim = field & (np.abs(terms[..., 1:3]).max(axis=-1) > 0.8)
    rim = rim if rim.sum() >= 50 else field
    rim &= smooth[..., 0] >= np.quantile(smooth[..., 0][rim], 0.3)
    skin = np.broadcast_to(np.median(smooth[rim], axis=0), lab.shape)
    for reach, strictness in ((0.65, 1.0), (1.0, 0.9), (1.0, 0.9)):
        difference = smooth - skin
        # a lesion is seldom lighter than the skin; reflections are
        difference[..., 0] *= np.where(difference[..., 0] < 0, 1.0, 0.55)
        distance = np.linalg.norm(difference, axis=-1)
        likely = np.where(field, distance * np.exp(-0.5 * radius / reach**2), 0.0)
        mask = likely > strictness * threshold_otsu(likely[field])
        mask = ndimage.binary_fill_holes(ndimage.binary_opening(mask, iterations=2))
        mask = strongest(mask, distance * np.exp(-radius / 0.65**2))
        if not mask.any():
            return None
        outside = field & ~ndimage.binary_dilation(mask, iterations=5)
        if outside.sum() < 0.1 * field.sum():
            break
        plain = outside & (distance <= np.quantile(distance[outside], 0.85))
        used = terms if outside.sum() > 0.4 * field.sum() else terms[..., :1]
        skin = used @ np.linalg.lstsq(used[plain], smooth[plain], rcond=None)[0]
    mask = ndimage.binary_closing(np.pad(mask, 4), iterations=3)[4:-4, 4:-4]
    lesion = SkinLesion(rgb, lab, skin.astype(np.float32), ndimage.binary_fill_holes(mask), field)
    return lesion if lesion.contrast > FAINTEST else None
