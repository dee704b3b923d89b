"""Copies of training images among the reward method's images."""

import pytest

from craft.evaluation.reporting.findings.memorization import find_memorization

COLUMNS = "dataset method evaluator metric value low"


@pytest.fixture
def tables(make_table):
    rows = [
        ("chest", "real", "l2", "copy_rate", 0.01, 0.0),
        ("chest", "craft", "l2", "copy_rate", 0.2, 0.1),
        ("chest", "lora", "l2", "copy_rate", 0.9, 0.8),
        ("skin", "real", "l2", "copy_rate", 0.02, 0.0),
        ("skin", "craft", "l2", "copy_rate", 0.03, 0.01),
        ("chest", "craft", "l2", "membership_auroc", 0.7, 0.6),
        ("skin", "craft", "l2", "membership_auroc", 0.6, 0.5),
    ]
    return {"memorization": make_table(COLUMNS, *rows, label="all")}


def test_rates_above_those_of_test_images_are_named(tables, run):
    assert find_memorization(tables, run) == {
        "rates": {"low": 0.03, "high": 0.2},
        "expected": {"low": 0.01, "high": 0.02},
        "comparisons": 2,
        "above": [{"dataset": "chest", "measure": "l2", "rate": 0.2}],
        "memberships": 2,
        "inferred": 1,
    }


def test_without_reward_method_there_is_nothing_to_tell(tables, run_without_reward):
    assert find_memorization(tables, run_without_reward) is None
