"""How like real images generated ones are, and how varied, measured on image features.

Every function takes features, shape (images, width), and can weigh images by how often a resample holds them and by
their label: labels weigh alike in real and in generated images, whatever their number of images. The code is NumPy's:
torchmetrics computes the same FID and KID, from a network rather than from features that are already there, without
weights, and needs torch-fidelity's torchvision to do so by default.
"""

from collections.abc import Sequence

import numpy as np

from craft.core.errors import CraftError
from craft.evaluation.statistics.frechet import (
    Moments,
    blocks_of,
    factored_distance,
    frechet_distance,
    shift_resamples,
    whole_and_resamples,
)
from craft.evaluation.statistics.pairwise import distance_blocks, row_blocks

NEIGHBOURHOODS = ("precision", "density", "recall", "coverage")
METRICS = ("fid", "kid", *NEIGHBOURHOODS, "vendi", "diversity")
# measured label by label, so that the labels' natural prevalence has no part in it
WITHIN_LABELS = (*NEIGHBOURHOODS, "diversity")
# shares of real images, of which they count how many the generated ones cover
OF_REAL = ("recall", "coverage")
# resampling with replacement repeats images, which raises a Frechet distance and lowers a Vendi score
SHIFTED = ("fid", "vendi")


def polynomial_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(x . y / width + 1)^3 of all pairs, the kernel of KID (Binkowski et al. 2018)."""
    return (first @ second.T / first.shape[1] + 1) ** 3


def mean_over_pairs(total: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean (k,) over pairs of two different images of which the sum is `total` (k,), under counts (k, n).

    An image that a resample holds twice makes no pair with its copy, which keeps unbiased estimators unbiased.
    """
    whole = counts.sum(axis=1) ** 2
    pairs = whole - (counts**2).sum(axis=1)
    # of one image alone, weights leave a rounding error of pairs
    return np.divide(total, pairs, out=np.full(len(counts), np.nan), where=pairs > 1e-9 * whole)


def kernel_sums(
    first: tuple[np.ndarray, list[np.ndarray]], second: tuple[np.ndarray, list[np.ndarray]], features: tuple
) -> np.ndarray:
    """Sums of `polynomial_kernel` over all pairs, by the labels of both images.

    Args:
        first: counts (k, n) of the first images, and the row numbers of each of their labels.
        second: the same of the second ones, counts (k, m).
        features: of both, shapes (n, width) and (m, width).

    Returns:
        Shape (k, labels of the first, labels of the second).
    """
    (counts, groups), (weights, others) = first, second
    sums = np.zeros((len(counts), len(groups), len(others)))
    for number, rows in enumerate(groups):
        for block in row_blocks(len(rows), len(features[1])):
            held = rows[block]
            kernel = polynomial_kernel(features[0][held], features[1])
            for other, columns in enumerate(others):
                products = weights[:, columns] @ kernel[:, columns].T
                sums[:, number, other] += (products * counts[:, held]).sum(axis=1)
    return sums


def rows_by_label(labels: np.ndarray) -> list[np.ndarray]:
    """Row numbers of every label, labels in sorted order."""
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def label_pair_mean(features: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean of the kernel over pairs of two different images, every two labels weighing what their counts say.

    For every two labels it is the mean over their pairs, weighed by the product of what the labels count: an unbiased
    estimate for a mixture of labels in these shares. Over all pairs together it would not be one, since pairs of the
    same label are fewer by those of an image with itself.

    Args:
        features: shape (n, width).
        labels: of the images, shape (n,); one with a single image has no pair and is left out of those with itself.
        counts: how much each image counts, shape (k, n). Where they hold one image of a label only, the mean over all
            pairs of the label stands in for its own.

    Returns:
        Shape (k,).
    """
    groups = rows_by_label(labels)
    # the last counts every image once
    counts = np.concatenate([counts, np.ones((1, len(labels)))])
    sums = kernel_sums((counts, groups), (counts, groups), (features, features))
    own = ((features**2).sum(axis=1) / features.shape[1] + 1) ** 3
    held = np.stack([counts[:, rows].sum(axis=1) for rows in groups])
    total, weight = np.zeros(len(counts)), np.zeros(len(counts))
    for first, rows in enumerate(groups):
        for second in range(len(groups)):
            pairs = held[first] * held[second]
            if first != second:
                total += sums[:, first, second]
            elif len(rows) > 1:
                means = mean_over_pairs(sums[:, first, first] - counts[:, rows] ** 2 @ own[rows], counts[:, rows])
                total += pairs * np.where(np.isnan(means), means[-1], means)
            else:
                continue
            weight += pairs
    return (total / weight)[:-1]


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
    similarity = unit @ unit.T if unit.shape[1] > len(unit) else None
    scores = []
    for row in counts:
        held = np.flatnonzero(row)
        if similarity is None:
            kernel = (unit[held] * row[held, None]).T @ unit[held]
        else:
            # an image that a resample does not hold adds no eigenvalue
            roots = np.sqrt(row[held])
            kernel = roots[:, None] * similarity[np.ix_(held, held)] * roots
        values = np.linalg.eigvalsh(kernel / row.sum()).clip(min=0)
        scores.append(np.exp(-(values * np.log(values, out=np.zeros_like(values), where=values > 0)).sum()))
    return np.array(scores)


def label_diversity(features: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over labels of the mean cosine distance between two images of the label; shape (k,), in [0, 2].

    Cosines are linear in both images, so that their sum over all pairs is the squared length of one sum of directions.
    """
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = []
    for rows in rows_by_label(labels):
        held = counts[:, rows]
        lengths = ((held @ unit[rows]) ** 2).sum(axis=1)
        distances.append(mean_over_pairs((held.sum(axis=1) ** 2 - lengths).clip(min=0), held))
    return mean_of_labels(np.array(distances))


def mean_of_labels(values: np.ndarray) -> np.ndarray:
    """Mean (k,) over labels of values (labels, k), those that are NaN left out; 0 where all are."""
    defined = ~np.isnan(values)
    return np.where(defined, values, 0).sum(axis=0) / np.maximum(defined.sum(axis=0), 1)


def neighbour_radii(features: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance (n,) of every feature to its k-th nearest other one; k is cut to their number."""
    # the nearest of all is the feature itself
    place = min(neighbours, len(features) - 1)
    parts = [np.partition(block, place, axis=1)[:, place] for _, block in distance_blocks(features, features)]
    return np.concatenate(parts)


def neighbourhoods(
    real: np.ndarray, generated: np.ndarray, real_radii: np.ndarray, radii: np.ndarray, neighbours: int
) -> dict[str, np.ndarray]:
    """What precision, density, recall and coverage average (Kynkaanniemi et al. 2019, Naeem et al. 2020).

    Returns:
        `precision` and `density` of every generated image, `recall` and `coverage` of every real one: whether a
        generated image lies in some real image's neighbourhood, in how many of them by k, whether a real image lies in
        some generated image's neighbourhood, and whether its own holds a generated image.
    """
    inside_of, covered, covers = np.zeros(len(generated)), np.zeros(len(real)), np.zeros(len(real))
    for rows, distances in distance_blocks(real, generated):
        inside = distances < real_radii[rows, None]
        inside_of += inside.sum(axis=0)
        covers[rows] = inside.any(axis=1)
        covered[rows] = (distances < radii).any(axis=1)
    return {
        "precision": (inside_of > 0).astype(float),
        "density": inside_of / neighbours,
        "recall": covered,
        "coverage": covers,
    }


def coverage_within_labels(
    real: tuple[np.ndarray, np.ndarray, np.ndarray],
    generated: tuple[np.ndarray, np.ndarray, np.ndarray],
    neighbours: int,
) -> dict[str, np.ndarray]:
    """Precision, density, recall and coverage within labels, all labels weighing the same.

    Over all labels together, an image that looks like another label than its own would count as near, large labels
    would outvote small ones, and a label with fewer images than a neighbourhood would reach to the next label: a few
    points a label, far apart, would hold every real image between them.

    Args:
        real: features (n, width), labels (n,) and counts (k, n) of the real images.
        generated: the same of the generated images, shapes (m, width), (m,) and (k, m).
        neighbours: k of the neighbourhoods; cut to the images of a label but one.

    Returns:
        Metric -> shape (k,). A label of which either has less than two images has no neighbourhood and is left out.
    """
    (features, labels, counts), (others, own, weights) = real, generated
    found: dict[str, list[np.ndarray]] = {key: [] for key in NEIGHBOURHOODS}
    for label in np.unique(labels):
        rows, columns = np.flatnonzero(labels == label), np.flatnonzero(own == label)
        if min(len(rows), len(columns)) < 2:
            continue
        radii = [neighbour_radii(each, neighbours) for each in (features[rows], others[columns])]
        near = neighbourhoods(features[rows], others[columns], *radii, min(neighbours, len(rows) - 1))
        for key, values in near.items():
            drawn = weights[:, columns] if key in ("precision", "density") else counts[:, rows]
            total = drawn.sum(axis=1)
            found[key].append(np.divide(drawn @ values, total, out=np.full(len(total), np.nan), where=total > 0))
    return {key: mean_of_labels(np.array(values).reshape(-1, len(counts))) for key, values in found.items()}


class RealFeatures:
    """Features of the real images that sets of images are compared with, and what of them all comparisons share.

    Args:
        features: shape (n, width).
        labels: of the images, n of them.
        neighbours: k of precision, density, recall and coverage.
        resamples: number of bootstrap resamples.
        rng: random generator of the resamples.
        name: of the set, for messages.

    Raises:
        CraftError: if a feature is not finite or there are not more images than neighbours.
    """

    def __init__(
        self,
        features: np.ndarray,
        labels: Sequence[str],
        neighbours: int,
        resamples: int,
        rng: np.random.Generator,
        name: str,
    ):
        self.features, self.labels = check_features(features, neighbours, name), np.asarray(labels)
        self.neighbours, self.name = neighbours, name
        self.counts = whole_and_resamples(self.labels, resamples, rng)
        self.blocks = blocks_of(len(self.counts), features.shape[1])
        self.moments: list[Moments] = []
        self.kernel = label_pair_mean(self.features, self.labels, self.counts)

    def frechet_distances(self, features: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Frechet distances (k,) of features (n, width) under counts (k, n), row by row; k is 2 + resamples."""
        if features.shape[1] > max(len(features), len(self.features)):
            return factored_distance(features, counts, self.features, self.counts)
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
            rng: random generator of the resamples.
            name: of the set, for messages.

        Returns:
            Metric -> shape (2 + resamples,): the value with labels weighed alike, the value with every image weighed
            alike (NaN for what is measured within labels), then the resamples of both sets. The neighbourhoods of
            precision, density, recall and coverage are those of the whole sets in every resample, and the resamples of
            FID and Vendi score are shifted so that their mean is the value.

        Raises:
            CraftError: if a feature is not finite, has another width, or there are not more images than neighbours.
        """
        features, labels = check_features(features, self.neighbours, name), np.asarray(labels)
        if features.shape[1] != self.features.shape[1]:
            raise CraftError(
                f"the features of {name} have {features.shape[1]} columns, those of {self.name}"
                f" {self.features.shape[1]}; encode both with the same evaluator (`snakemake --forcerun encode_images`)"
            )
        counts = whole_and_resamples(labels, len(self.counts) - 2, rng)
        own = label_pair_mean(features, labels, counts)
        whole = [np.arange(len(features))], [np.arange(len(self.features))]
        cross = kernel_sums((counts, whole[0]), (self.counts, whole[1]), (features, self.features))[:, 0, 0]
        real = self.features, self.labels, self.counts
        values = {
            "fid": self.frechet_distances(features, counts),
            "kid": own + self.kernel - 2 * cross / (len(features) * len(self.features)),
            **coverage_within_labels(real, (features, labels, counts), self.neighbours),
            "vendi": vendi_score(features, counts),
            "diversity": label_diversity(features, labels, counts),
        }
        for key in WITHIN_LABELS:
            values[key][1] = np.nan
        return {key: shift_resamples(values[key]) if key in SHIFTED else values[key] for key in METRICS}


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
