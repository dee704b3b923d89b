"""Validity: how many questions does CAS ask in truth?"""

from itertools import combinations

from craft.evaluation.reporting.findings.base import JUDGES, Tables, rows_of, spread
from craft.evaluation.reporting.traced import defined, tally
from craft.evaluation.settings import Run
from craft.reward.dimensions import DIMENSIONS

# two dimensions that correlate by more than this ask one question
REDUNDANT = 0.95


def find_dimensions(tables: Tables, run: Run) -> dict:
    """Rank correlations of every two dimensions over real test images with every label.

    Returns:
        `limit`, above which two dimensions are redundant, and for all `pairs`: `first` and `second` dimension, range of
        `spearman` over datasets by role, number of `cases` (dataset by evaluator), and in how many it is `redundant`.
    """
    rows = rows_of(tables["validity"], study="dimensions", metric="spearman")
    pairs = []
    for first, second in combinations(DIMENSIONS, 2):
        own = rows_of(rows, dimension=first, condition=second)
        pairs.append(
            {
                "first": first,
                "second": second,
                "spearman": {role: spread(rows_of(own, role=role)["value"]) for role in JUDGES},
                "cases": tally(own),
                "redundant": tally(own, own["value"] > REDUNDANT),
            }
        )
    return {"limit": defined(__name__, "REDUNDANT", REDUNDANT), "pairs": pairs}
