"""Coverage: how often the evaluation's 95 % intervals hold the true value, on simulated runs whose truth is known.

A run has three labels in unequal numbers of real test images, 256 generated images a seed, and seeds that differ by
more than their images do. An interval of one seed is over its images: its truth is what endless images of this seed
would give. What it holds of the truth over all seeds is reported too, since that is how it may be misread.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from common import RESULTS, Metric, record, report
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit

from craft.core.cli import run
from craft.core.seeds import numpy_generator
from craft.evaluation.statistics.intervals import (
    Estimate,
    Sampled,
    bootstrap_means,
    estimate,
    mean_statistic,
    sample,
)
from craft.evaluation.statistics.ranks import auroc
from craft.evaluation.statistics.tails import RealTail

LOW, MOST_FALSE = 0.92, 0.08
GENERATED, REAL = 256, (100, 30, 14)
# logits of CAS: how labels differ, how images of a label spread, how seeds differ
OFFSETS, SPREAD, SEEDS = np.array([0.5, 0.0, -0.5]), 1.0, 0.15
# how much one method of two equal ones is better with one seed, as a standard deviation of mean CAS
LUCK = 0.02
QUANTILE, RESAMPLES, CONFIDENCE = 0.1, 400, 0.95


@dataclass(frozen=True)
class Trial:
    """An interval, and the value that it should hold."""

    estimate: Estimate
    truth: float
    over_seeds: float

    @property
    def holds(self) -> bool:
        """Whether the interval holds its truth."""
        return self.estimate.low <= self.truth <= self.estimate.high

    @property
    def holds_over_seeds(self) -> bool:
        """Whether it holds the truth over all seeds."""
        return self.estimate.low <= self.over_seeds <= self.estimate.high


def label_numbers(sizes: tuple[int, ...]) -> np.ndarray:
    """Labels of images of which there are so many of each."""
    return np.repeat(np.arange(len(sizes)), sizes)


def generated_labels() -> np.ndarray:
    """Labels of generated images, as even as can be."""
    return np.arange(GENERATED) % len(OFFSETS)


def mean_score(shift: float) -> float:
    """Mean score, labels weighed alike, of images whose logits are moved by `shift`."""
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    logits = OFFSETS[:, None] + shift + SPREAD * points
    return float((expit(logits) @ weights).mean() / weights.sum())


def share_under(shift: float, limit: float) -> float:
    """Share of such images whose logit is below a limit."""
    return float(stats.norm.cdf((limit - OFFSETS - shift) / SPREAD).mean())


def over_seeds(truth: Callable[[float], float], scale: float = SEEDS) -> float:
    """Mean of what a seed's images would give over all seeds."""
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    return float(np.dot([truth(scale * point) for point in points], weights) / weights.sum())


def mean_of_cas(rng: np.random.Generator, seeds: int) -> Trial:
    """Mean CAS of a method."""
    shifts, labels = rng.normal(0, SEEDS, seeds), generated_labels()
    groups = [expit(OFFSETS[labels] + shift + SPREAD * rng.normal(size=GENERATED))[:, None] for shift in shifts]
    (found,) = bootstrap_means(
        groups, RESAMPLES, CONFIDENCE, "coverage", int(rng.integers(1 << 40)), labels=[labels] * seeds
    )
    everywhere = over_seeds(mean_score)
    return Trial(found, mean_score(shifts[0]) if seeds == 1 else everywhere, everywhere)


def tail_rate(rng: np.random.Generator, seeds: int) -> Trial:
    """Tail rate of a method below the threshold of real images in unequal numbers."""
    real, labels, name = label_numbers(REAL), generated_labels(), int(rng.integers(1 << 40))
    scores = OFFSETS[real] + SPREAD * rng.normal(size=len(real))
    shifts = rng.normal(-0.5, SEEDS, seeds)
    groups = [OFFSETS[labels] + shift + SPREAD * rng.normal(size=GENERATED) for shift in shifts]
    tail = RealTail.resample(scores, real, QUANTILE, RESAMPLES, CONFIDENCE, "coverage", name)
    limit = true_threshold()
    everywhere = over_seeds(lambda shift: share_under(shift - 0.5, limit))
    truth = share_under(shifts[0], limit) if seeds == 1 else everywhere
    return Trial(tail.estimate_rate(groups, [labels] * seeds, "coverage", name), truth, everywhere)


def true_threshold() -> float:
    """The logit below which there is a share of `QUANTILE` of real images, labels weighed alike."""
    return float(brentq(lambda limit: share_under(0.0, limit) - QUANTILE, -10.0, 10.0))


def paired_difference(rng: np.random.Generator, seeds: int) -> Trial:
    """Difference of two methods on pairs of images, without an effect over seeds."""
    found, shifts = draw_difference(rng, seeds)
    return Trial(found.estimates(CONFIDENCE)[0], float(shifts[0]) if seeds == 1 else 0.0, 0.0)


def draw_difference(rng: np.random.Generator, seeds: int, luck: float = LUCK) -> tuple[Sampled, np.ndarray]:
    """Two methods that differ by nothing but chance and the seeds' luck, and that luck."""
    shifts, labels = luck * rng.normal(size=seeds), generated_labels()
    shared = [rng.normal(0.5, 0.2, GENERATED) for _ in range(seeds)]
    pairs = [
        np.stack([each + shift + rng.normal(0, 0.1, GENERATED), each + rng.normal(0, 0.1, GENERATED)], axis=1)
        for each, shift in zip(shared, shifts, strict=True)
    ]
    names = ("coverage", int(rng.integers(1 << 40)))
    found = sample([labels] * seeds, mean_statistic(pairs), RESAMPLES, *names)
    return found.apply(lambda means: means[:, :1] - means[:, 1:]), shifts


def area_under_curve(rng: np.random.Generator, seeds: int) -> Trial:
    """AUROC of a classifier on test images that all its seeds share."""
    classes = np.repeat([0, 1], [90, 54])
    hard, skills = rng.normal(size=len(classes)), rng.normal(1.5, SEEDS, seeds)
    # a seed's own errors and those that all share make one unit of variance
    scores = [skill * classes + np.sqrt(0.5) * (hard + rng.normal(size=len(classes))) for skill in skills]

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return auroc(classes == 1, scores[group], counts)[:, None]

    names = ("coverage", int(rng.integers(1 << 40)))
    found = sample([classes] * seeds, statistic, RESAMPLES, *names, together=True).estimates(CONFIDENCE)[0]
    everywhere = over_seeds(lambda shift: float(stats.norm.cdf((1.5 + shift) / np.sqrt(2))))
    truth = float(stats.norm.cdf(skills[0] / np.sqrt(2))) if seeds == 1 else everywhere
    return Trial(found, truth, everywhere)


def small_share(rng: np.random.Generator, seeds: int) -> Trial:
    """A share of two in a hundred, such as a copy rate, which is the same for every seed."""
    labels = generated_labels()
    groups = [(rng.random((GENERATED, 1)) < 0.02).astype(float) for _ in range(seeds)]
    names = ("coverage", int(rng.integers(1 << 40)))
    (found,) = estimate([labels] * seeds, mean_statistic(groups), RESAMPLES, CONFIDENCE, *names, share=True)
    return Trial(found, 0.02, 0.02)


STATISTICS = {
    "mean_cas": mean_of_cas,
    "tail_rate": tail_rate,
    "paired_difference": paired_difference,
    "auroc": area_under_curve,
    "small_share": small_share,
}


def measure(trials: int, names: list[str]) -> Iterator[Metric]:
    """Coverage of every statistic with one seed and with three, and the rate of false findings."""
    design = f"{trials} simulated runs, {GENERATED} generated images a seed, {RESAMPLES} resamples"
    for name in names:
        for seeds in (1, 3):
            rng = numpy_generator("coverage", name, seeds)
            found = [STATISTICS[name](rng, seeds) for _ in range(trials)]
            truth = "endless images of this seed" if seeds == 1 else "all seeds"
            share = float(np.mean([trial.holds for trial in found]))
            yield Metric(f"coverage_{name}_{seeds}", share, "1", "higher", LOW, f"{design}; truth: {truth}")
            if seeds == 1 and name != "small_share":
                share = float(np.mean([trial.holds_over_seeds for trial in found]))
                about = f"{design}; truth: all seeds, of which one seed's interval does not speak"
                yield Metric(f"coverage_{name}_1_of_all_seeds", share, "1", "higher", None, about)
    if "paired_difference" in names:
        equal = "though the methods are equal"
        yield false_findings("false_findings_1", 1, 0.0, trials, f"{design}; p below 0.05 {equal}", MOST_FALSE)
        over = f"{design}; p below 0.05 {equal} over all seeds, of which one seed's p does not speak"
        yield false_findings("false_findings_1_over_seeds", 1, LUCK, trials, over, None)
        yield false_findings("false_findings_3", 3, LUCK, trials, f"{design}; p below 0.05 {equal}", MOST_FALSE)


def false_findings(name: str, seeds: int, luck: float, trials: int, about: str, goal: float | None) -> Metric:
    """How often two equal methods are told apart."""
    rng = numpy_generator("coverage", name)
    found = [draw_difference(rng, seeds, luck)[0].p_values()[0][0] for _ in range(trials)]
    return Metric(name, float(np.mean(np.array(found) < 1 - CONFIDENCE)), "1", "lower", goal, about)


def main(
    trials: Annotated[int, typer.Option(help="simulated runs a number")] = 1000,
    statistic: Annotated[list[str], typer.Option(help="which statistics; all without it")] = [],  # noqa: B006
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Measure how often intervals hold the truth."""
    names = statistic or list(STATISTICS)
    metrics = list(measure(trials, names))
    report(metrics)
    chosen = "".join(f" --statistic {name}" for name in statistic)
    record(
        "interval_coverage", f"python benchmarks/interval_coverage.py --trials {trials}{chosen}", "any", metrics, output
    )


if __name__ == "__main__":
    run(main)
