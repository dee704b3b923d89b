"""What every frontal chest radiograph shows: two lungs with a border, ribs across them, and the heart between them."""

import numpy as np
from scipy import ndimage

from craft.evaluation.biomarkers.lungs import COLUMNS, ROWS, SIDE, Lungs

STRUCTURES = {
    "lungs": "two dark areas of a lung's size beside the spine, with an edge",
    "heart": "a white area between the lungs, of a heart's width",
    "ribs": "bright bands across both lungs, evenly spaced and sloping down to the side",
}
SMALLEST = 0.045  # share of the image that the smaller lung covers
DARKER = 0.13  # grey in [0, 1] by which a lung is darker than what lies around it
EDGE = 0.045  # slope of the clearer part of a lung's outline, shares of the range of grey a pixel
HEART_WIDTH, HEART_CONTRAST = (0.27, 0.80), 0.20  # cardiothoracic ratios of a heart, and its grey above that of air
RIB_SHARE, RIB_HEIGHT = 0.07, 0.010  # share of the lungs' fine texture that is ribs, and their height over the contrast
# Spacing of ribs in pixels, and their fall from the spine to the chest wall in image sides: what fits best at an end of
# either range is no rib.
SPACINGS, FALLS = np.linspace(6.5, 11.0, 10), (0.0, 0.06, 0.12, 0.18, 0.24, 0.30)
FINE = 3.0  # width of the blur whose rest is fine texture, in pixels


def find_structures(lungs: Lungs, cardiothoracic_ratio: float) -> frozenset[str]:
    """Which of `STRUCTURES` a radiograph shows, given its segmented lungs; none without lungs."""
    if not shows_lungs(lungs):
        return frozenset()
    low, high = HEART_WIDTH
    found = {
        "lungs": True,
        "heart": low <= cardiothoracic_ratio <= high and lungs.contrast >= HEART_CONTRAST,
        "ribs": shows_ribs(lungs),
    }
    return frozenset(name for name, there in found.items() if there)


def shows_lungs(lungs: Lungs) -> bool:
    """Whether both lungs are large and dark enough and the clearer part of their outline is an edge."""
    if min(side.sum() for side in lungs.sides) < SMALLEST * SIDE**2:
        return False
    both, grey = lungs.both, lungs.grey
    outside = ndimage.distance_transform_edt(~both)
    around = lungs.body & (outside > 3) & (outside < 8)
    if not around.any() or np.median(grey[around]) - np.median(grey[both]) < DARKER:
        return False
    slope = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1)) / 8.0
    rim = lungs.body & (outside < 1.5) & ~ndimage.binary_erosion(both)
    low, high = np.percentile(grey, [2, 98])
    return bool(np.quantile(slope[rim], 0.8) >= EDGE * (high - low))


def shows_ribs(lungs: Lungs) -> bool:
    """Whether one spacing and slope of bands explains enough of the fine texture of both lungs.

    The texture is averaged along sloping curves; the power of a wave over their mean is compared with the variance.
    """
    powers, deviations = [], []
    for side in lungs.sides:
        inside = ndimage.binary_erosion(side, iterations=2)
        if inside.sum() < 120:
            continue
        weight = inside.astype(np.float32)
        around = ndimage.gaussian_filter(lungs.grey * weight, FINE) / np.maximum(
            ndimage.gaussian_filter(weight, FINE), 1e-3
        )
        texture = ((lungs.grey - around) / lungs.contrast)[inside]
        texture -= texture.mean()
        aside = 2.0 * np.abs(COLUMNS[inside] - lungs.middle) / lungs.width
        curve = SIDE * (aside + 2.0 * aside**3) / 3.0
        powers.append([wave_shares(texture, ROWS[inside] - fall * curve) for fall in FALLS])
        deviations.append(texture.std())
    if not powers:
        return False
    shares = np.mean(powers, axis=0)
    fall, spacing = np.unravel_index(shares.argmax(), shares.shape)
    share, height = shares[fall, spacing], np.sqrt(2.0 * shares[fall, spacing]) * np.mean(deviations)
    like_ribs = 0 < fall < len(FALLS) - 1 and 0 < spacing < len(SPACINGS) - 1
    return bool(share >= RIB_SHARE and height >= RIB_HEIGHT and like_ribs)


def wave_shares(texture: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Share of the variance of a texture (n,) that a wave over heights (n,), in pixels, explains; one per spacing."""
    line = np.round(heights).astype(int)
    sums = np.bincount(line - line.min(), texture)
    waves = np.exp(2j * np.pi * np.arange(len(sums)) / SPACINGS[:, None])
    return 2.0 * np.abs(waves @ sums) ** 2 / (len(texture) * max(np.square(texture).sum(), 1e-12))
