"""Fidelity of the reward method against the strongest baseline."""

import pytest

from craft.evaluation.reporting.findings.fidelity import find_fidelity


@pytest.fixture
def tables(make_table):
    rows = [
        ("chest", "plain", "fid", 20.0),
        ("chest", "lora", "fid", 10.0),
        ("chest", "craft", "fid", 5.0),
        ("skin", "plain", "fid", 4.0),
        ("skin", "lora", "fid", 9.0),
        ("skin", "craft", "fid", 6.0),
        ("chest", "plain", "recall", 0.5),
        ("chest", "lora", "recall", 0.75),
        ("chest", "craft", "recall", 0.25),
        ("skin", "plain", "recall", 0.5),
        ("skin", "lora", "recall", 0.25),
        ("skin", "craft", "recall", 0.5),
    ]
    return {"fidelity": make_table("dataset method metric value", *rows, label="all", evaluator="stranger")}


def test_a_low_fid_and_a_high_recall_are_good(tables, run):
    assert find_fidelity(tables, run) == [
        {
            "evaluator": "stranger",
            "datasets": 2,
            "lower_fid": 1,
            "higher_fid": 1,
            "recall_not_higher": 2,
            "recall": {"low": -0.5, "high": 0.0},
        }
    ]


def test_without_reward_method_nothing_is_found(tables, run_without_reward):
    assert find_fidelity(tables, run_without_reward) == []


def test_without_baseline_no_dataset_counts(tables, run):
    tables["fidelity"] = tables["fidelity"].query("method == 'craft'")
    assert find_fidelity(tables, run)[0]["datasets"] == 0
