"""The states that the guard kept."""

import pandas as pd

from craft.evaluation.reporting.findings.diversity import find_diversity
from craft.evaluation.reporting.histories import KEPT_COLUMNS

KEPT = pd.DataFrame(
    [
        ("craft", "chest", 0, 20, True, 0.9, 0.5),
        ("craft", "skin", 0, 60, False, 1.0, 0.25),
        ("another", "skin", 0, 1, True, 0.1, 0.1),
    ],
    columns=list(KEPT_COLUMNS),
)


def test_kept_states_of_the_reward_method_are_summed_up(run):
    assert find_diversity(KEPT, run) == {
        "runs": 2,
        "stopped": 1,
        "steps": {"low": 20, "high": 60},
        "vision": {"low": 0.9, "high": 1.0},
        "embeddings": {"low": 0.25, "high": 0.5},
    }


def test_without_kept_states_there_is_nothing_to_tell(run, run_without_reward):
    assert find_diversity(KEPT, run_without_reward) is None
    assert find_diversity(KEPT.head(0), run) is None
