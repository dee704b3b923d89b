"""Which states did the guard keep, and how much of the start's diversity do they have?"""

import pandas as pd

from craft.evaluation.reporting.findings.base import our_method, spread
from craft.evaluation.reporting.traced import tally
from craft.evaluation.settings import Run


def find_diversity(kept: pd.DataFrame, run: Run) -> dict | None:
    """The kept states of the reward method; None where there are none.

    Args:
        kept: one row per training run, as `craft.evaluation.reporting.histories.read_kept_states` returns them.
        run: methods of the run.

    Returns:
        Number of `runs`, how many the guard `stopped`, and the ranges of the kept step and of the diversity within
        labels, as a share of the start's, under the monitor's encoder (`vision`) and its evaluator (`embeddings`).
    """
    own = kept[kept["method"] == our_method(run)]
    if own.empty:
        return None
    return {
        "runs": tally(own),
        "stopped": tally(own, own["stopped"].astype(bool)),
        "steps": spread(own["step"]),
        "vision": spread(own["diversity"]),
        "embeddings": spread(own["semantic_diversity"]),
    }
