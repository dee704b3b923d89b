"""What the reward method's images change in downstream classifiers, told only where it is significant."""

import pandas as pd
import pytest

from craft.evaluation.reporting.findings.downstream import find_downstream


@pytest.fixture
def tables(make_table):
    rows = [
        ("chest", "craft", "real", -0.3, 0.001),
        ("skin", "craft", "real", -0.2, 0.001),
        ("chest", "lora", "real", -0.3, 0.001),
        ("chest", "real+craft", "real", -0.009, 0.04),
        ("skin", "real+craft", "real", 0.02, 0.06),
        ("chest", "real+craft", "real+lora", 0.001, 0.9),
        ("skin", "real+craft", "real+lora", 0.03, 0.01),
    ]
    columns = "dataset method against value p_holm"
    return {"downstream_differences": make_table(columns, *rows, metric="macro_auroc", evaluator="encoder")}


def test_arms_with_real_images_come_first_and_what_is_not_significant_is_not_told(tables, run):
    added, rewarded, alone = find_downstream(tables, run)
    assert (added["arm"], added["against"], added["backbone"]) == ("real+craft", "real", "encoder")
    assert (added["better"], added["worse"], added["untold"], added["datasets"]) == ([], ["chest"], 1, 2)
    assert added["difference"] == pytest.approx({"low": -0.009, "high": 0.02})
    assert (rewarded["against"], rewarded["better"], rewarded["untold"]) == ("real+lora", ["skin"], 1)
    assert (alone["arm"], alone["worse"]) == ("craft", ["chest", "skin"])


def test_of_several_backbones_the_first_speaks(tables, run):
    table = tables["downstream_differences"]
    further = table.assign(evaluator="scratch", value=-table["value"])
    assert find_downstream({"downstream_differences": pd.concat([table, further])}, run) == find_downstream(tables, run)


def test_without_reward_method_nothing_is_compared(tables, run_without_reward):
    assert find_downstream(tables, run_without_reward) == []
