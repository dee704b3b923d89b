"""C1 and C4: does the reward method raise CAS over the strongest baseline, in-family and out-of-family?"""

from craft.evaluation.reporting.findings.base import (
    JUDGES,
    Tables,
    count_sides,
    evaluators_of,
    our_method,
    row_of,
    strongest_baseline,
)
from craft.evaluation.reporting.traced import value_in
from craft.evaluation.settings import Run


def find_alignment(tables: Tables, run: Run) -> dict[str, list[dict]]:
    """Differences in CAS under every evaluator, as `compare_paired` describes them, by role."""
    return {role: [compare_paired(tables, run, name, "cas") for name in evaluators_of(tables, role)] for role in JUDGES}


def compare_paired(tables: Tables, run: Run, evaluator: str, metric: str) -> dict:
    """The reward method against the strongest baseline of every dataset, as the paired comparisons found it.

    Args:
        tables: `cas`, which tells the strongest baseline, and `comparisons`.
        run: datasets and methods.
        evaluator: who judges.
        metric: of both tables; higher is better.

    Returns:
        evaluator, number of datasets, in how many it is `better` and `worse`, in how many `clear`ly better (p after
        Holm's correction), and the range of the difference.
    """
    ours, differences, clear = our_method(run), [], []
    for dataset in run.datasets if ours else []:
        keys = {"dataset": dataset, "evaluator": evaluator, "metric": metric}
        against = strongest_baseline(tables["cas"], run, "highest", **keys)
        row = row_of(tables["comparisons"], method=ours, against=str(against), **keys)
        if row is not None:
            differences.append(value_in(row))
            clear.append(row["value"] > 0 and row["p_holm"] < 1 - run.scoring.confidence)
    return {"evaluator": evaluator} | count_sides(differences, clear)
