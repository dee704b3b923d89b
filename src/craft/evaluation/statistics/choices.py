"""Choices between two things: exact intervals of a share, how many are needed, strengths, agreement of readers."""

import numpy as np
from scipy import stats
from sklearn.metrics import cohen_kappa_score

# choices beyond which no study is planned
MOST_CHOICES = 20_000
# wins that every two compared things are given over each other, so that one that never lost has a finite strength
PRIOR_WINS = 0.5


def exact_interval(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """Clopper-Pearson interval of a share.

    >>> low, high = exact_interval(8, 10, 0.95)
    >>> round(low, 4), round(high, 4)
    (0.4439, 0.9748)
    """
    found = stats.binomtest(successes, n).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def exact_power(n: np.ndarray, rate: float, alpha: float) -> np.ndarray:
    """Power of the two-sided exact test of a share against one half.

    Args:
        n: numbers of choices, shape (k,).
        rate: the true share.
        alpha: of the test; half of it lies on either side.

    Returns:
        Shape (k,), in [0, 1].
    """
    # the largest count whose tail under one half holds at most alpha / 2; -1 where there is none
    count = stats.binom.ppf(alpha / 2, n, 0.5)
    count = np.where(stats.binom.cdf(count, n, 0.5) > alpha / 2, count - 1, count)
    return stats.binom.cdf(count, n, rate) + stats.binom.sf(n - count - 1, n, rate)


def choices_needed(rate: float, power: float, alpha: float) -> int | None:
    """The number of choices from which the exact test keeps the wanted power.

    The power of an exact test rises in a saw-tooth: below this number it may hold for one number and fail for the next.

    Args:
        rate: the true share of choices, not one half.
        power: wanted chance that the test finds it.
        alpha: of the two-sided test.

    Returns:
        None where more than `MOST_CHOICES` are needed.
    """
    numbers = np.arange(1, MOST_CHOICES + 1)
    failing = np.flatnonzero(exact_power(numbers, rate, alpha) < power)
    needed = int(numbers[failing[-1]]) + 1 if len(failing) else 1
    return needed if needed <= MOST_CHOICES else None


def pairs_needed(choices: int, readers: int = 1, correlation: float = 0.5, no_difference: float = 0.0) -> int:
    """Pairs that give a number of independent choices.

    Answers of several readers to one pair are no independent ones: n of them are worth n / (1 + (readers - 1) *
    correlation), the design effect of Kish (1965).

    Args:
        choices: wanted.
        readers: who judge every pair.
        correlation: of two readers' answers to one pair, in [0, 1].
        no_difference: share of answers that choose neither.
    """
    effect = 1 + (readers - 1) * correlation
    # what stands before a whole number by rounding alone is that number
    return int(np.ceil(choices * effect / (readers * (1 - no_difference)) - 1e-9))


def bradley_terry(wins: np.ndarray, rounds: int = 10_000) -> np.ndarray:
    """Strengths of things that were compared in pairs: i is chosen over j with chance s_i / (s_i + s_j).

    Maximum likelihood by Hunter's (2004) iteration, with `PRIOR_WINS` either way between things that were compared.

    Args:
        wins: how often i was chosen over j, shape (k, k); no difference counts as half a win either way. Every two
            things are linked by comparisons.
        rounds: of the iteration at most.

    Returns:
        Natural logarithms of the strengths, shape (k,), their mean 0.
    """
    wins = wins + PRIOR_WINS * ((wins + wins.T) > 0)
    games, strengths = wins + wins.T, np.ones(len(wins))
    for _ in range(rounds):
        new = wins.sum(axis=1) / (games / (strengths[:, None] + strengths)).sum(axis=1)
        new /= np.exp(np.log(new).mean())
        if np.allclose(new, strengths, rtol=1e-10, atol=0):
            break
        strengths = new
    return np.log(new)


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Agreement of two readers beyond chance; NaN where both always say the same one thing.

    Args:
        first: what the one says, shape (n,).
        second: what the other says of the same, shape (n,).
    """
    return float(cohen_kappa_score(first, second)) if len({*first, *second}) > 1 else float("nan")


def fleiss_kappa(counts: np.ndarray) -> float:
    """Agreement of several readers beyond chance (Fleiss 1971); NaN where all always say the same one thing.

    Args:
        counts: how many readers gave each answer, shape (questions, answers); as many readers for every question, at
            least two.
    """
    readers = counts.sum(axis=1)[0]
    observed = ((counts**2).sum(axis=1) - readers).mean() / (readers * (readers - 1))
    expected = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return float((observed - expected) / (1 - expected)) if expected < 1 else float("nan")
