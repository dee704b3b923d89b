"""The table of comparisons: every reward method minus every other method, on pairs of images where there are some."""

import numpy as np
import pandas as pd

from craft.evaluation.comparison.columns import COMPARISON_COLUMNS
from craft.evaluation.comparison.pairs import Key, Paired, pair_scores
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES, scores_source
from craft.evaluation.settings import Run
from craft.evaluation.statistics.significance import (
    cohen_dz,
    correct_for_number,
    rank_biserial,
    rank_biserial_unpaired,
)
from craft.evaluation.tables import ALL, Table, table_row


def comparison_table(pairs: dict[str, Paired], run: Run) -> pd.DataFrame:
    """Every reward method minus every other method: CAS, tail rate, and label agreement.

    In a run without a reward method it is every method whose images another program made. A difference is `method`
    minus `against`, averaged over pairs within a seed, then over seeds. Where the images of one of both share no noise
    with the other's, the difference is that of two independent means, `paired` is false, `n` counts the images of both,
    `rank_biserial` is that of independent images, and there is no `cohen_dz`. Interval and p-value come from the same
    resamples; `at_floor` says that `p` is the smallest these can give, so that it and `p_holm` are bounds. Holm's
    correction runs over a family: all comparisons of one metric under one evaluator, over all datasets and methods,
    which is what a claim rests on.

    Args:
        pairs: of `craft.evaluation.comparison.pairs.pair_scores`.
        run: methods of the run, and which of them are reward methods.

    Returns:
        A frame with the columns `COMPARISON_COLUMNS`, without rows where there is neither.
    """
    rows = [row for paired in pairs.values() for row in comparison_rows(paired, run)]
    return correct_for_number(pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS)))


def comparison_rows(paired: Paired, run: Run) -> list[dict]:
    """Rows of the comparison table for one dataset, not yet corrected for their number."""
    rows = []
    for evaluator, role in paired.roles.items():
        for metric in ("cas", "label_agreement") if role == PHANTOM_CLASSIFIER else ("cas", "tail_rate"):
            for method, against in opponents(paired.methods, run.compared):
                own, other = (metric, evaluator, method), (metric, evaluator, against)
                difference = paired.combine(np.subtract, own, other)
                (p,), (at_floor,) = difference.p_values()
                row = table_row(
                    paired.estimate(difference),
                    dataset=paired.dataset,
                    label=ALL,
                    method=method,
                    evaluator=evaluator,
                    role=role,
                    metric=metric,
                    source=f"{scores_source(paired.dataset, method)}; {scores_source(paired.dataset, against)}",
                )
                sizes = effect_sizes(paired, own, other)
                rows.append(row | {"against": against, "p": p, "at_floor": at_floor} | sizes)
    return rows


def effect_sizes(paired: Paired, own: Key, other: Key) -> dict[str, float | bool]:
    """The cells `paired`, `cohen_dz` and `rank_biserial` of a comparison of two columns."""
    first, second = (paired.images_of(key).to_numpy() for key in (own, other))
    if not paired.pair(own[-1], other[-1]):
        return {"paired": False, "cohen_dz": float("nan"), "rank_biserial": rank_biserial_unpaired(first, second)}
    return {"paired": True, "cohen_dz": cohen_dz(first - second), "rank_biserial": rank_biserial(first - second)}


def opponents(methods: list[str], compared: list[str]) -> list[tuple[str, str]]:
    """Every compared method with every other method; two compared methods meet once, the later one first."""
    return [
        (method, other)
        for number, method in enumerate(methods)
        if method in compared
        for position, other in enumerate(methods)
        if other not in compared or position < number
    ]


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return comparison_table(pair_scores(results), results.run)


TABLE = Table(
    make, "differences between methods, with corrected p-values and effect sizes", (SCORES,), COMPARISON_COLUMNS
)
