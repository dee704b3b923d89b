"""What the reward method's images add to real ones."""

import pandas as pd
import pytest

from craft.evaluation.reporting.findings.downstream import find_downstream


@pytest.fixture
def tables(make_table):
    rows = [
        ("chest", "craft", 0.5),
        ("chest", "real@0.1", 0.6),
        ("chest", "real@0.1+craft", 0.75),
        ("chest", "real", 0.9),
        ("chest", "real+craft", 0.8),
        ("chest", "real+lora", 0.99),
        ("skin", "real", 0.5),
        ("skin", "real+craft", 0.75),
    ]
    return {"downstream": make_table("dataset method value", *rows, metric="macro_auroc", evaluator="encoder")}


def test_all_real_images_come_first_and_then_the_shares(tables, run):
    whole, tenth = find_downstream(tables, run)
    assert whole["backbone"] == "encoder"
    assert (whole["share"], whole["datasets"], whole["up"]) == (1, 2, 1)
    assert whole["difference"] == pytest.approx({"low": -0.1, "high": 0.25})
    assert (tenth["share"], tenth["datasets"], tenth["up"]) == (0.1, 1, 1)
    assert tenth["difference"] == pytest.approx({"low": 0.15, "high": 0.15})


def test_of_several_backbones_the_first_speaks(tables, run):
    table = tables["downstream"]
    further = table.assign(evaluator="scratch", value=1 - table["value"])
    assert find_downstream({"downstream": pd.concat([table, further])}, run) == find_downstream(tables, run)


def test_without_reward_method_nothing_is_added(tables, run_without_reward):
    assert find_downstream(tables, run_without_reward) == []
