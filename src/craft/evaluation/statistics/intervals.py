"""Numbers with intervals: images are resampled within labels, labels weigh alike, seeds follow Student's t.

What an interval is over depends on the seeds. With one seed it is the percentile interval of the resampled images
(`craft.evaluation.statistics.resampling`): over images, of this seed. With several the seeds' own values are the
sample, and the interval is Student's t over them: three values are too few to be resampled. What all seeds share, such
as real test images or a threshold that these set, does not show in how the seeds differ. It is added as the covariance
of the seeds' resamples; how far the sum of both reaches is the mean of Student's t and the normal, weighted by the two
variances (Cochran & Cox 1950). Degrees of freedom in between, after Satterthwaite (1946), find four times too many
effects at p = 0.01.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from scipy import stats

from craft.core.seeds import numpy_generator
from craft.evaluation.statistics.resampling import label_weights, resample_counts

# counts of all images of one seed in a block of resamples, so that memory does not grow with their number
BLOCK = 4_000_000

# steps that find a p-value, each of which halves the logarithm of the doubt
BISECTIONS = 40

# images, a seed, below which resamples alone say too little of a share
FEW = 6

# in the place of a resample's number: the images as they are, labels weighed alike, and every image weighed alike.
# What a statistic looks up by the number of a resample may hold these two as its last entries.
NATURAL, AS_IS = -2, -1

# (index of the seed, counts (k, images of that seed), numbers (k,) of the resamples) -> (k, statistics)
Statistic = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval.

    Attributes:
        value: with labels weighed alike.
        low: lower end of its interval.
        high: upper end.
        n: number of images over all seeds.
        seeds: number of seeds.
        natural: the value with every image weighed alike; NaN where labels have no part in it.
    """

    value: float
    low: float
    high: float
    n: int
    seeds: int
    natural: float = float("nan")

    def within_one(self) -> Self:
        """The same with an interval that ends at 0 and 1, for what cannot lie outside."""
        return replace(self, low=max(0.0, self.low), high=min(1.0, self.high))


@dataclass(frozen=True)
class Sampled:
    """Statistics of the images of every seed, as they are and resampled.

    Attributes:
        value: of all seeds together, shape (m,): the mean of theirs, or what was made of it.
        natural: the same with every image weighed alike, shape (m,).
        values: of every seed, shape (seeds, m), as if it were the mean alone (`apply`).
        resamples: of every seed, shape (seeds, resamples, m); NaN where one does not define the statistic.
        n: number of images over all seeds.
    """

    value: np.ndarray
    natural: np.ndarray
    values: np.ndarray
    resamples: np.ndarray
    n: int

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len(self.values)

    @property
    def spread(self) -> np.ndarray:
        """Resamples about the value, shape (resamples, m), of the mean over seeds."""
        return self.resamples.mean(axis=0)

    @cached_property
    def variances(self) -> tuple[np.ndarray, np.ndarray]:
        """Variance (m,) of the mean over several seeds as these differ, and what they share beside it."""
        between = self.values.var(axis=0, ddof=1) / self.seeds
        own = np.nanvar(self.resamples, axis=1).sum(axis=0) / self.seeds**2
        # of independent seeds the mean's variance is that of the seeds over their number; what is beyond is shared
        return between, (np.nanvar(self.spread, axis=0) - own).clip(min=0) * self.seeds / (self.seeds - 1)

    def reach(self, tail: float | np.ndarray) -> np.ndarray:
        """How far (m,) the mean over several seeds strays from the truth, either way, with a chance of `tail`."""
        between, shared = self.variances
        # in exact arithmetic equal seeds have no variance
        error = np.sqrt(np.maximum(between + shared, 1e-32))
        return (between * stats.t.isf(tail, self.seeds - 1) + shared * stats.norm.isf(tail)) / error

    def apply(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        """What a function makes of the statistics: a difference, a ratio, a correlation of several.

        For several seeds the function is taken of the mean over seeds. The seeds' values are then those of the
        jackknife (Davison & Hinkley 1997, section 2.7.3), their resamples what each resample alone changes; for a
        linear function these are the function of the seeds' own.

        Args:
            function: statistics (k, m) -> others (k, q).
        """
        value, natural = function(self.value[None])[0], function(self.natural[None])[0]
        if self.seeds == 1:
            return replace(
                self, value=value, natural=natural, values=value[None], resamples=function(self.resamples[0])[None]
            )
        others = (self.values.sum(axis=0) - self.values) / (self.seeds - 1)
        values = self.seeds * value - (self.seeds - 1) * function(others)
        moved = self.value + (self.resamples - self.values[:, None])
        resamples = np.stack([own + function(each) - value for own, each in zip(values, moved, strict=True)])
        return replace(self, value=value, natural=natural, values=values, resamples=resamples)

    def estimates(self, confidence: float, share: bool = False) -> list[Estimate]:
        """Every statistic with its interval.

        Args:
            confidence: share of the distribution between low and high, for example 0.95.
            share: whether the statistics are shares of images. Intervals then end at 0 and 1, and where fewer than
                `FEW` images are in the share, or out of it, they also hold that of Jeffreys (Brown, Cai & DasGupta
                2001): resamples of so few do not show all the doubt, of none none.
        """
        tail = (1 - confidence) / 2
        if self.seeds == 1:
            bounds = np.stack([interval(column, confidence) for column in self.resamples[0].T], axis=1)
        else:
            half = self.reach(tail)
            bounds = np.stack([self.value - half, self.value + half])
        if share:
            few = np.minimum(self.value, 1 - self.value) * self.n / self.seeds < FEW
            exact = jeffreys(self.value, self.n, confidence)
            wider = np.stack([np.minimum(bounds[0], exact[0]), np.maximum(bounds[1], exact[1])])
            bounds = np.where(few, wider, bounds).clip(0, 1)
        return [
            Estimate(float(value), float(low), float(high), self.n, self.seeds, float(natural))
            for value, low, high, natural in zip(self.value, *bounds, self.natural, strict=True)
        ]

    def p_values(self) -> tuple[np.ndarray, np.ndarray]:
        """Two-sided p-values (m,) of statistics that are 0 without an effect, and whether each is a bound (m,).

        With one seed they come from the resamples shifted to a mean of zero (Davison & Hinkley 1997, section 4.4), and
        none can be below 1 / (resamples + 1): one that stands there is a bound. With several, zero lies at the end of
        the interval of confidence 1 - p.
        """
        floor = 1 / (self.resamples.shape[1] + 1)
        if self.seeds == 1:
            # resamples that equal the value in exact arithmetic must count as such
            slack = 1e-12 * np.maximum(1.0, np.abs(self.value))
            away = np.abs(self.resamples[0] - self.value) >= np.abs(self.value) - slack
            found = (1 + away.sum(axis=0)) * floor
            return found, found <= floor
        least, most = np.full_like(self.value, floor / 4), np.full_like(self.value, 0.5)
        for _ in range(BISECTIONS):
            middle = np.sqrt(least * most)
            beyond = np.abs(self.value) <= self.reach(middle)
            least, most = np.where(beyond, middle, least), np.where(beyond, most, middle)
        found = np.where(self.value == 0, 1.0, 2 * most)
        return np.maximum(found, floor), found < floor


def sample(
    labels: Sequence[np.ndarray], statistic: Statistic, resamples: int, *names: str | int, together: bool = False
) -> Sampled:
    """A statistic of every seed's images, as they are and resampled.

    Args:
        labels: of the images of every seed, shapes (n,). Where labels have no part in it, all may be equal.
        statistic: of the images of one seed under counts (`resample_counts`); NaN where counts do not define it. For
            the images as they are the number of the resample is `AS_IS` (counts are the weights of the labels) or
            `NATURAL` (counts are 1).
        resamples: how many.
        names: seed the resamples.
        together: whether all seeds look at the same images, so that these are resampled for all of them at once.

    Raises:
        ValueError: if there is no seed or a seed has no image.
    """
    sizes = [len(each) for each in labels]
    if not sizes or min(sizes) < 1:
        raise ValueError(f"every seed needs at least one image, found {sizes}")
    values, natural, found = [], [], []
    for group, own in enumerate(labels):
        rng = numpy_generator("bootstrap", *names, *([] if together else [group]))
        step = max(1, BLOCK // len(own))
        values.append(statistic(group, label_weights(own)[None], np.array([AS_IS]))[0])
        natural.append(statistic(group, np.ones((1, len(own))), np.array([NATURAL]))[0])
        blocks = [np.arange(start, min(start + step, resamples)) for start in range(0, resamples, step)]
        parts = [statistic(group, resample_counts(own, len(numbers), rng), numbers) for numbers in blocks]
        found.append(np.concatenate(parts))
    whole, plain = np.mean(values, axis=0), np.mean(natural, axis=0)
    return Sampled(whole, plain, np.stack(values), np.stack(found), sum(sizes))


def average(parts: Sequence[Sampled]) -> Sampled:
    """Mean of the same statistics of several datasets, whose resamples and seeds are independent of one another."""
    return merge(parts, lambda arrays: np.mean(arrays, axis=0))


def join(parts: Sequence[Sampled]) -> Sampled:
    """The statistics of several samples side by side, whose resamples are independent of one another."""
    return merge(parts, lambda arrays: np.concatenate(arrays, axis=-1))


def merge(parts: Sequence[Sampled], function: Callable[[list[np.ndarray]], np.ndarray]) -> Sampled:
    """One sample of several, by a function of the arrays of each kind."""
    kinds = ("value", "natural", "values", "resamples")
    merged = (function([getattr(part, kind) for part in parts]) for kind in kinds)
    return Sampled(*merged, sum(part.n for part in parts))


def interval(distribution: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentile interval of a bootstrap distribution; undefined (NaN) resamples are left out."""
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(distribution, [tail, 1 - tail])
    return float(low), float(high)


def jeffreys(shares: np.ndarray, n: int, confidence: float) -> np.ndarray:
    """Jeffreys' intervals, shape (2, m), of shares (m,) of n images; they reach 0 of none and 1 of all."""
    tail, some, others = (1 - confidence) / 2, shares * n + 0.5, (1 - shares) * n + 0.5
    low, high = stats.beta.ppf(tail, some, others), stats.beta.ppf(1 - tail, some, others)
    return np.stack([np.where(shares > 0, low, 0.0), np.where(shares < 1, high, 1.0)])


def mean_statistic(groups: Sequence[np.ndarray]) -> Statistic:
    """Column means of `groups`, one array of shape (images, columns) per seed."""
    return lambda group, counts, numbers: counts @ groups[group] / len(groups[group])


def estimate(
    labels: Sequence[np.ndarray],
    statistic: Statistic,
    resamples: int,
    confidence: float,
    *names: str | int,
    share: bool = False,
) -> list[Estimate]:
    """One `Estimate` for every column of a statistic; see `sample` and `Sampled.estimates`."""
    return sample(labels, statistic, resamples, *names).estimates(confidence, share)


def bootstrap_means(
    groups: Sequence[np.ndarray],
    resamples: int,
    confidence: float,
    *names: str | int,
    labels: Sequence[np.ndarray] | None = None,
    share: bool = False,
) -> list[Estimate]:
    """Means of every column with intervals.

    Args:
        groups: one array of shape (images, columns) per seed; the mean is the mean of the seeds' means.
        resamples: how many.
        confidence: share of the distribution between low and high, for example 0.95.
        names: what is estimated; the same names give the same resamples.
        labels: of the images of every seed, which then weigh alike; without them every image does.
        share: whether the means are shares of images (`Sampled.estimates`).

    Raises:
        ValueError: if there is no seed, a seed has no image, or a value is not finite.
    """
    if not all(np.isfinite(group).all() for group in groups):
        raise ValueError("the values to average must be finite")
    labels = [np.zeros(len(group), int) for group in groups] if labels is None else labels
    return estimate(labels, mean_statistic(groups), resamples, confidence, *names, share=share)
