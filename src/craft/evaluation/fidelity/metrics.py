"""How like real images generated ones are, and how varied, measured on image features.

Every function takes features, shape (images, width), and can weigh images by how often a bootstrap draw holds them. The
code is NumPy's: torchmetrics computes the same FID and KID, from a network rather than from features that are already
there, without weights for a bootstrap, and needs torch-fidelity's torchvision to do so by default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

from craft.core.errors import CraftError
from craft.evaluation.statistics.intervals import resample_counts

METRICS = ("fid", "kid", "precision", "density", "recall", "coverage", "vendi", "diversity")
# resampling with replacement repeats images, which raises a Frechet distance and lowers a Vendi score
SHIFTED = ("fid", "vendi")
# elements of the square matrices of a block of draws, which bounds the memory of wide features
BLOCK = 8_000_000


@dataclass(frozen=True)
class Moments:
    """Mean (..., width) and covariance (..., width, width) of features, for every row of weights."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, counts: np.ndarray) -> "Moments":
        """Moments of features (n, width) under counts (k, n), whose rows sum to n."""
        n = counts.shape[1]
        means = counts @ features / n
        products = np.stack([(features * row[:, None]).T @ features for row in counts])
        return cls(means, (products - n * means[:, :, None] * means[:, None, :]) / (n - 1))

    @cached_property
    def roots(self) -> np.ndarray:
        """Symmetric square roots of the covariances."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(values.clip(min=0))[..., None, :]) @ vectors.swapaxes(-1, -2)


def frechet_distance(first: Moments, second: Moments) -> np.ndarray:
    """Frechet distance between Gaussians of the same moments, row by row (Dowson & Landau 1982; Heusel et al. 2017).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)); its last root has the trace of the root of C2^(1/2) C1 C2^(1/2).

    Returns:
        Shape (k,), at least 0.
    """
    squares = np.linalg.eigvalsh(second.roots @ first.covariance @ second.roots)
    traces = np.trace(first.covariance + second.covariance, axis1=-2, axis2=-1)
    distance = ((first.mean - second.mean) ** 2).sum(axis=-1) + traces
    return np.maximum(distance - 2 * np.sqrt(squares.clip(min=0)).sum(axis=-1), 0)


def blocks_of(draws: int, width: int) -> list[slice]:
    """Rows of the draws, in blocks whose matrices of width x width hold at most `BLOCK` elements."""
    step = max(1, BLOCK // width**2)
    return [slice(start, start + step) for start in range(0, draws, step)]


def polynomial_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(x . y / width + 1)^3 of all pairs, the kernel of KID (Binkowski et al. 2018)."""
    return (first @ second.T / first.shape[1] + 1) ** 3


def distinct_mean(matrix: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean of a symmetric matrix (n, n) over pairs of two different images, under counts (k, n); shape (k,).

    An image that a draw holds twice makes no pair with its copy, which keeps unbiased estimators unbiased.
    """
    squares = counts.astype(float) ** 2
    total = ((counts @ matrix) * counts).sum(axis=1) - squares @ np.diag(matrix)
    pairs = counts.sum(axis=1) ** 2 - squares.sum(axis=1)
    return np.divide(total, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)


def vendi_score(features: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Vendi score: the effective number of different images, of cosine similarity (Friedman & Dieng 2023).

    The exponential of the entropy of the eigenvalues of K / n, which are those of X^T X / n as well.

    Args:
        features: shape (n, width), none of them zero.
        counts: shape (k, n).

    Returns:
        Shape (k,), from 1 to the smaller of n and width.
    """
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    wide = unit.shape[1] > len(unit)
    similarity, scores = unit @ unit.T if wide else None, []
    for rows in blocks_of(len(counts), min(unit.shape)):
        if wide:
            roots = np.sqrt(counts[rows])
            kernels = roots[:, :, None] * similarity * roots[:, None, :]
        else:
            kernels = np.stack([(unit * row[:, None]).T @ unit for row in counts[rows]])
        values = np.linalg.eigvalsh(kernels / counts[rows].sum(axis=1)[:, None, None]).clip(min=0)
        logarithms = np.log(values, out=np.zeros_like(values), where=values > 0)
        scores.append(np.exp(-(values * logarithms).sum(axis=1)))
    return np.concatenate(scores)


def label_diversity(features: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over labels of the mean cosine distance between two images of the label; shape (k,), in [0, 2]."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    distances = [distinct_mean(1 - unit[rows] @ unit[rows].T, counts[:, rows]) for rows in groups]
    defined = ~np.isnan(distances)
    return np.where(defined, distances, 0).sum(axis=0) / np.maximum(defined.sum(axis=0), 1)


def neighbour_radii(features: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance (n,) of every feature to its k-th nearest other one."""
    # the nearest of all is the feature itself
    return np.partition(cdist(features, features), neighbours, axis=1)[:, neighbours]


def neighbourhoods(
    real: np.ndarray, generated: np.ndarray, real_radii: np.ndarray, radii: np.ndarray, neighbours: int
) -> dict[str, np.ndarray]:
    """What precision, density, recall and coverage average (Kynkaanniemi et al. 2019, Naeem et al. 2020).

    Returns:
        `precision` and `density` of every generated image, `recall` and `coverage` of every real one: whether a
        generated image lies in some real image's neighbourhood, in how many of them by k, whether a real image lies in
        some generated image's neighbourhood, and whether its own holds a generated image.
    """
    distances = cdist(real, generated)
    inside = distances < real_radii[:, None]
    return {
        "precision": inside.any(axis=0).astype(float),
        "density": inside.sum(axis=0) / neighbours,
        "recall": (distances < radii).any(axis=1).astype(float),
        "coverage": inside.any(axis=1).astype(float),
    }


class RealReference:
    """Real images that sets of generated images are compared with, and what of them all comparisons share.

    Args:
        features: shape (n, width).
        neighbours: k of precision, density, recall and coverage.
        draws: number of bootstrap draws.
        rng: random generator of the draws.
        name: of the set, for messages.

    Raises:
        CraftError: if a feature is not finite or there are not more images than neighbours.
    """

    def __init__(self, features: np.ndarray, neighbours: int, draws: int, rng: np.random.Generator, name: str):
        self.features = check_features(features, neighbours, name)
        self.neighbours, self.name = neighbours, name
        # the first row is the set as it is, the others are draws
        self.counts = whole_and_draws(len(features), draws, rng)
        self.blocks = blocks_of(len(self.counts), features.shape[1])
        self.moments: list[Moments] = []
        self.radii = neighbour_radii(self.features, neighbours)
        self.kernel = distinct_mean(polynomial_kernel(self.features, self.features), self.counts)

    def frechet_distances(self, features: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Frechet distance of features (n, width) under counts (1 + draws, n), row by row; shape (1 + draws,)."""
        distances = []
        for number, rows in enumerate(self.blocks):
            moments = self.moments[number] if self.moments else Moments.of(self.features, self.counts[rows])
            if len(self.blocks) == 1:
                # all matrices fit a block, so that they can be kept for the next set
                self.moments = [moments]
            distances.append(frechet_distance(Moments.of(features, counts[rows]), moments))
        return np.concatenate(distances)

    def compare(
        self, features: np.ndarray, labels: Sequence[str], rng: np.random.Generator, name: str
    ) -> dict[str, np.ndarray]:
        """All metrics of one set of images.

        Args:
            features: shape (n, width).
            labels: intended label of every image.
            rng: random generator of the draws.
            name: of the set, for messages.

        Returns:
            Metric -> shape (1 + draws,): the value, then its bootstrap draws, both sets resampled. The neighbourhoods
            of precision, density, recall and coverage are those of the whole sets in every draw, and the draws of FID
            and Vendi score are shifted so that their mean is the value.

        Raises:
            CraftError: if a feature is not finite, has another width, or there are not more images than neighbours.
        """
        features, labels = check_features(features, self.neighbours, name), np.asarray(labels)
        if features.shape[1] != self.features.shape[1]:
            raise CraftError(
                f"the features of {name} have {features.shape[1]} columns, those of {self.name}"
                f" {self.features.shape[1]}; encode both with the same evaluator (`snakemake --forcerun encode_images`)"
            )
        counts = whole_and_draws(len(features), len(self.counts) - 1, rng)
        near = neighbourhoods(
            self.features, features, self.radii, neighbour_radii(features, self.neighbours), self.neighbours
        )
        own = distinct_mean(polynomial_kernel(features, features), counts)
        cross = ((counts @ polynomial_kernel(features, self.features)) * self.counts).sum(axis=1)
        values = {
            "fid": self.frechet_distances(features, counts),
            "kid": own + self.kernel - 2 * cross / (len(features) * len(self.features)),
            **{key: counts @ near[key] / len(features) for key in ("precision", "density")},
            **{key: self.counts @ near[key] / len(self.features) for key in ("recall", "coverage")},
            "vendi": vendi_score(features, counts),
            "diversity": label_diversity(features, labels, counts),
        }
        return {key: shift_draws(values[key]) if key in SHIFTED else values[key] for key in METRICS}


def whole_and_draws(size: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Counts (1 + draws, size): every image once, then the bootstrap draws."""
    return np.concatenate([np.ones((1, size), int), resample_counts(size, draws, rng)])


def shift_draws(values: np.ndarray) -> np.ndarray:
    """The value, then its draws with their mean moved onto it; no draw falls below zero."""
    draws = values[1:] + values[0] - values[1:].mean() if len(values) > 1 else values[1:]
    return np.concatenate([values[:1], draws.clip(min=0)])


def check_features(features: np.ndarray, neighbours: int, name: str) -> np.ndarray:
    """The features in double precision; a CraftError if there are too few or one is not finite."""
    features = np.asarray(features, float)
    if len(features) <= neighbours:
        raise CraftError(
            f"{name} has {len(features)} images, but a neighbourhood of {neighbours} needs at least {neighbours + 1};"
            " raise `generation.images_per_dataset` (or the share of the split `test`), or lower `fidelity.neighbours`"
        )
    if len(bad := np.flatnonzero(~np.isfinite(features).all(axis=1))):
        raise CraftError(
            f"the feature of image number {bad[0]} of {name} is not finite; check the image and the evaluator"
        )
    return features
