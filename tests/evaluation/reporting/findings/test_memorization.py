"""Copies of seen images among the reward method's images."""

import pytest

from craft.evaluation.reporting.findings.memorization import find_memorization

COLUMNS = "dataset method evaluator metric value low high flagged rests_on"


@pytest.fixture
def tables(make_table):
    rows = [
        ("chest", "real", "l2", "copy_rate", 0.01, 0.0, 0.03, 0.01, 2),
        ("chest", "craft", "l2", "copy_rate", 0.2, 0.1, 0.3, 0.01, 2),
        ("chest", "lora", "l2", "copy_rate", 0.9, 0.8, 1.0, 0.01, 2),
        ("skin", "craft", "l2", "copy_rate", 0.03, 0.01, 0.05, 0.01, 3),
        ("chest", "craft", "l2", "reference_pull", 0.02, -0.01, 0.05, None, None),
        ("skin", "craft", "l2", "reference_pull", 0.1, 0.05, 0.15, None, None),
        ("chest", "craft", "l2", "membership_auroc", 0.7, 0.6, 0.8, None, None),
        ("skin", "craft", "l2", "membership_auroc", 0.6, 0.5, 0.7, None, None),
    ]
    return {"memorization": make_table(COLUMNS, *rows, label="all")}


def test_rates_above_the_flagged_share_are_named(tables, run):
    assert find_memorization(tables, run) == {
        "rates": {"low": 0.03, "high": 0.2},
        "upper": {"low": 0.05, "high": 0.3},
        "flagged": 0.01,
        "rests_on": {"low": 2, "high": 3},
        "comparisons": 2,
        "above": [{"dataset": "chest", "measure": "l2", "value": 0.2}],
        "drawn": [{"dataset": "skin", "measure": "l2", "value": 0.1}],
        "chance": 0.5,
        "memberships": 2,
        "inferred": 1,
    }


def test_a_threshold_that_rests_on_many_images_needs_no_word(tables, run):
    table = tables["memorization"]
    many = table.assign(rests_on=table["rests_on"] + 10)
    assert find_memorization({"memorization": many}, run)["rests_on"] is None


def test_without_reward_method_there_is_nothing_to_tell(tables, run_without_reward):
    assert find_memorization(tables, run_without_reward) is None
