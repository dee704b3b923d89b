"""Twins: images that are nearly the same, such as two cuts of one film or the augmented copies of a publisher.

Images are compared as grey thumbnails of which only detail is left: without noise, without what is smooth, and with
less of what all images of the set share (the edge of a fundus photograph's circle, the shoulders of a chest film). The
nearest of every image by coarse detail are laid over it at the best shift of a few pixels. Mirrored and turned images
are not found.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
from PIL import Image
from scipy.cluster.hierarchy import DisjointSet
from scipy.ndimage import uniform_filter
from sklearn.neighbors import NearestNeighbors

SIDE, COARSE = 48, 16
# images from which on what a set shares can be told from what its images show
COMMON = 30
# candidates of an image
NEAREST = 8
# largest shift each way, pixels of a thumbnail
REACH = 2
TILE = 1024
# images that say what a set shares
SAMPLE = 8192


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Grey uint8 thumbnail (SIDE, SIDE) of an image (size, size, 3)."""
    return np.asarray(Image.fromarray(pixels).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))


def find_twins(thumbnails: np.ndarray, similarity: float) -> pd.DataFrame:
    """Pairs of images that are nearly the same.

    Args:
        thumbnails: uint8, shape (n, SIDE, SIDE).
        similarity: smallest correlation of the details of twins, in (0, 1).

    Returns:
        Columns `first` and `second` (row numbers, the first is smaller) and `similarity`, in the order of the rows.
    """
    pairs = find_candidates(thumbnails)
    fine = Standard.of(thumbnails, fine_detail)
    found = [
        align(*(fine.vectors(thumbnails[part[:, place]], REACH + 1) for place in (0, 1)))
        for part in np.split(pairs, range(TILE, len(pairs), TILE))
        if len(part)
    ]
    similarities = np.concatenate([np.empty(0, np.float32), *found])
    frame = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1], "similarity": similarities})
    return frame[frame["similarity"] >= similarity].reset_index(drop=True)


def find_candidates(thumbnails: np.ndarray) -> np.ndarray:
    """Pairs of row numbers (m, 2), the first smaller, in order: every image with its nearest by coarse detail."""
    count = min(NEAREST, len(thumbnails) - 1)
    if count < 1:
        return np.empty((0, 2), int)
    standard = Standard.of(thumbnails, coarse_detail)
    vectors = np.concatenate(
        [standard.vectors(tile).reshape(len(tile), COARSE * COARSE) for tile in tiles(thumbnails)]
    ).astype(np.float32)
    nearest = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(vectors).kneighbors(return_distance=False)
    pairs = np.stack([np.repeat(np.arange(len(vectors)), count), nearest.ravel()], axis=1)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def tiles(thumbnails: np.ndarray) -> Iterator[np.ndarray]:
    """The thumbnails a few at a time."""
    return (thumbnails[start : start + TILE] for start in range(0, len(thumbnails), TILE))


def coarse_detail(thumbnails: np.ndarray) -> np.ndarray:
    """What of thumbnails is not smooth, at shape (n, COARSE, COARSE)."""
    block = SIDE // COARSE
    values = thumbnails.reshape(-1, COARSE, block, COARSE, block).mean((2, 4), dtype=np.float32)
    return values - blur(values, 2)


def fine_detail(thumbnails: np.ndarray) -> np.ndarray:
    """What of thumbnails is neither noise nor smooth, at shape (n, SIDE, SIDE)."""
    values = thumbnails.astype(np.float32)
    return blur(values, 1) - blur(values, 3)


def blur(values: np.ndarray, reach: int) -> np.ndarray:
    """Means of squares of 2 `reach` + 1 pixels, shape as it was (n, h, w)."""
    width = 2 * reach + 1
    return uniform_filter(values, size=(1, width, width), mode="nearest")


class Standard:
    """Brings details to what sets an image apart from its set.

    Args:
        detail: of thumbnails.
        mean: of the set's details.
        spread: of the set's details, above zero.
    """

    def __init__(self, detail: Callable[[np.ndarray], np.ndarray], mean: np.ndarray, spread: np.ndarray):
        self.detail, self.mean, self.spread = detail, mean, spread

    @classmethod
    def of(cls, thumbnails: np.ndarray, detail: Callable[[np.ndarray], np.ndarray]) -> "Standard":
        """That of a set; of a small one details are left as they are."""
        if len(thumbnails) < COMMON:
            return cls(detail, np.float32(0), np.float32(1))
        found = [detail(tile).astype(float) for tile in tiles(thumbnails[:SAMPLE])]
        values = np.concatenate(found)
        mean, spread = values.mean(0), values.std(0)
        # what is strong in all images, such as an edge, says little even where it lies a little differently
        shared = blur(np.abs(mean)[None], 2)[0]
        return cls(detail, mean, spread + 2 * shared + np.median(spread) + 1e-6)

    def vectors(self, thumbnails: np.ndarray, border: int = 0) -> np.ndarray:
        """Details of mean 0 and length 1, or all 0 for plain images, shape (n, h, w); those of a border are 0."""
        values = ((self.detail(thumbnails) - self.mean) / self.spread).astype(np.float32)
        inside = slice(border, values.shape[1] - border)
        inner = values[:, inside, inside]
        inner = inner - inner.mean((1, 2), keepdims=True)
        inner /= np.maximum(np.sqrt((inner**2).sum((1, 2), keepdims=True)), 1e-3)
        values[:] = 0
        values[:, inside, inside] = inner
        return values


def align(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation (n,) of pairs of vectors (n, h, w) at the best shift of at most REACH pixels, in half pixels."""
    spectrum = np.fft.rfft2(first) * np.fft.rfft2(second).conj()
    count, height, width = first.shape
    # a spectrum with twice the frequencies, the new ones empty, has the values between the pixels too
    wide, half = np.zeros((count, 2 * height, spectrum.shape[2]), complex), height // 2
    wide[:, :half], wide[:, -half:] = spectrum[:, :half], spectrum[:, -half:]
    products = 4 * np.fft.irfft2(wide, s=(2 * height, 2 * width))
    shifts = np.arange(-2 * REACH, 2 * REACH + 1)
    return products[:, shifts[:, None], shifts].max((1, 2)).astype(np.float32)


def join_twins(groups: Iterable[str], pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Groups of images of which those that twins connect are one: the first of their names stands for all.

    Args:
        groups: of the images, n of them.
        pairs: row numbers of twins.
    """
    names = list(groups)
    joined = DisjointSet(names)
    for first, second in pairs:
        joined.merge(names[first], names[second])
    stands_for = {name: min(subset) for subset in joined.subsets() for name in subset}
    return [stands_for[name] for name in names]
