"""A haematoxylin and eosin tile made ready to be measured: stains, tissue, pale spaces and nuclei.

Stains absorb after Beer and Lambert, so optical densities (decadic) are sums over stains; two stains are unmixed by
least squares (Ruifrok and Johnston 2001). Lengths are in sides of the tile, its shorter side where they differ.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed
from skimage.transform import resize

SMALL, LARGE = 128, 224
# Red, green and blue: haematoxylin of Ruifrok and Johnston 2001; eosin midway between theirs and the warmer one of
# Macenko et al. 2009, between which laboratories lie.
STAINS = np.array([[0.650, 0.704, 0.286], [0.144, 0.895, 0.330]])
UNMIX = np.linalg.pinv(STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)).astype(np.float32)
PALE = 0.14  # summed density below which there is no tissue
FAINTEST = 0.12  # density of haematoxylin of the palest nuclei
DOT, FEWEST = (0.0006, 0.010), 10  # areas of a nucleus in squared tile sides, and how many every tile shows
BLUER, STEEP = 0.11, 0.15  # their density above that around them, and the step across their outline as a share of it
UNEVEN, GRAIN, NOT_PINK = 0.25, 0.20, 0.20  # of what lies between: spread and fine texture, and where there is no eosin


@dataclass(frozen=True)
class Tile:
    """A tile and its stains.

    Attributes:
        side: length of the shorter side in pixels, 128 or 224.
        density: summed optical density of the three channels, slightly blurred, (height, width).
        haematoxylin, eosin: optical densities of the stains, (height, width).
        tissue: where there is tissue, boolean (height, width).
    """

    side: int
    density: np.ndarray
    haematoxylin: np.ndarray
    eosin: np.ndarray
    tissue: np.ndarray

    def blur(self, values: np.ndarray, width: float) -> np.ndarray:
        """Gaussian blur; its standard deviation is in tile sides."""
        return ndimage.gaussian_filter(values, width * self.side, truncate=3.0)

    def distance(self, mask: np.ndarray) -> np.ndarray:
        """Distance of every pixel to the nearest one of the mask, in tile sides; infinite if the mask is empty."""
        return ndimage.distance_transform_edt(~mask) / self.side if mask.any() else np.full(mask.shape, np.inf)

    @cached_property
    def pale(self) -> np.ndarray:
        """Spaces without tissue, without specks: lumina, mucin vacuoles, air, boolean (height, width)."""
        steps = max(int(0.012 * self.side), 1)
        parts, _ = ndimage.label(ndimage.binary_opening(~self.tissue, iterations=steps))
        areas = np.bincount(parts.ravel())
        areas[0] = 0
        return (areas > 0.0025 * self.side**2)[parts]

    @cached_property
    def nuclei(self) -> np.ndarray:
        """Nuclei numbered from 1, 0 elsewhere, (height, width).

        Thresholded haematoxylin, Otsu's threshold leaning towards the surroundings; touching nuclei are parted by a
        watershed of the distance to their common outline (Beucher and Lantuejoul 1979).
        """
        stain = self.blur(self.haematoxylin, 0.008)
        otsu = threshold_otsu(stain[self.tissue])
        surroundings = ndimage.uniform_filter(stain, int(0.25 * self.side) | 1)
        threshold = np.maximum(np.maximum(0.6 * otsu + 0.4 * surroundings, 0.75 * otsu), FAINTEST)
        mask = ndimage.binary_fill_holes(ndimage.binary_opening((stain > threshold) & self.tissue))
        depth = self.blur(ndimage.distance_transform_edt(mask), 0.008)
        seeds = peak_local_max(
            depth,
            min_distance=max(round(0.016 * self.side), 2),
            threshold_abs=0.008 * self.side,
            labels=mask.astype(int),
            exclude_border=False,
        )
        markers = np.zeros(mask.shape, dtype=np.int32)
        markers[tuple(seeds.T)] = np.arange(1, len(seeds) + 1)
        return watershed(-depth, markers, mask=mask)


def shows_nuclei(tile: Tile) -> bool:
    """Whether there are several compact dots that are clearly and steeply bluer than the tissue between them."""
    nuclei = tile.nuclei > 0
    areas = np.bincount(tile.nuclei.ravel())[1:] / tile.side**2
    dots = ((areas > DOT[0]) & (areas < DOT[1])).sum()
    if dots < FEWEST or dots < 0.5 * (areas > DOT[0]).sum():
        return False
    stain = tile.blur(tile.haematoxylin, 0.008)
    inside, outside = tile.distance(~nuclei), tile.distance(nuclei)
    between = tile.tissue & (outside > 0.01)
    core, ring = nuclei & (inside > 0.008), between & (outside < 0.04)
    if not core.any() or not ring.any():
        return False
    depth = stain[core].mean() - np.median(stain[between])
    step = stain[nuclei & (inside <= 0.01)].mean() - stain[~nuclei & (outside <= 0.012)].mean()
    grain = np.abs(tile.haematoxylin - tile.blur(tile.haematoxylin, 0.012))[between].mean()
    calm = stain[between].std() <= UNEVEN * depth and grain <= GRAIN * depth
    pink = (tile.eosin[tile.tissue] < 0).mean() <= NOT_PINK
    return bool(stain[core].mean() - stain[ring].mean() >= BLUER and step >= STEEP * depth and calm and pink)


def white_point(pixels: np.ndarray) -> np.ndarray:
    """Colour of unstained light (3,), from the pale pixels of an image in [0, 1] if it has any."""
    clear = (pixels.min(axis=2) > 0.60) & (pixels[..., 1] > 0.78)
    if clear.mean() <= 0.005:
        return np.full(3, 0.95, dtype=np.float32)
    return np.quantile(pixels[clear], 0.8, axis=0).astype(np.float32)


def read_tile(image: np.ndarray) -> Tile | None:
    """The stains of a uint8 image, its shorter side scaled to 128 or 224 pixels; None if there is no tissue or light.

    Small images are scaled up, so that a nucleus is several pixels wide, larger ones down.
    """
    pixels = image.astype(np.float32) / 255.0
    height, width = pixels.shape[:2]
    least = min(height, width)
    side = SMALL if least <= SMALL else LARGE
    if least != side:
        shape = (round(height * side / least), round(width * side / least))
        # channel by channel, since a cubic spline across the channels costs four times as much and changes nothing
        order, low, high = 3 if least < side else 1, pixels.min(), pixels.max()
        channels = [
            resize(channel, shape, order, anti_aliasing=least > side, clip=False)
            for channel in np.moveaxis(pixels, 2, 0)
        ]
        pixels = np.clip(np.stack(channels, axis=2), low, high).astype(np.float32)
    if np.quantile(pixels, 0.99) < 0.08:
        return None
    densities = -np.log10(np.clip(pixels / white_point(pixels), 0.004, 1.0))
    haematoxylin, eosin = np.moveaxis(densities @ UNMIX, 2, 0)
    summed = ndimage.gaussian_filter(densities.sum(axis=2), 0.006 * side, truncate=3.0)
    tissue = summed > PALE
    return Tile(side, summed, haematoxylin, eosin, tissue) if tissue.mean() > 0.02 else None
