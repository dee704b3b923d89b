"""How alike do the evaluators rank methods and images?"""

from craft.evaluation.reporting.findings.base import Tables, evaluators_of, rows_of, spread
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.settings import Run


def find_agreement(tables: Tables, run: Run) -> dict:
    """Rank agreement of the evaluator that gave the reward with the held-out ones and the classifier of phantoms.

    Returns:
        The reward's `evaluator`, and for each of the `others`: evaluator, and the ranges over datasets of Kendall's tau
        over methods (None for a single method) and of Spearman's correlation over the images of one method.
    """
    judge = evaluators_of(tables, "reward")[0]
    others = [*evaluators_of(tables, "held_out"), *evaluators_of(tables, PHANTOM_CLASSIFIER)]
    return {
        "evaluator": judge,
        "others": [
            {
                "evaluator": other,
                "kendall": agreement(tables, judge, other, "kendall_tau"),
                "spearman": agreement(tables, judge, other, "spearman_within"),
            }
            for other in others
        ],
    }


def agreement(tables: Tables, first: str, second: str, metric: str) -> dict[str, float] | None:
    """Range over datasets of the agreement of two evaluators, whichever of them a row names first."""
    table = rows_of(tables["agreement"], metric=metric)
    one_way = rows_of(table, evaluator=first, against=second)
    return spread((one_way if len(one_way) else rows_of(table, evaluator=second, against=first))["value"])
