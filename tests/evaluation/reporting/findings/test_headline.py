"""The reward method beside its strongest baseline and the test images."""

import pytest

from craft.evaluation.reporting.findings.headline import find_headline


@pytest.fixture
def tables(cas, make_table):
    rates = [("chest", "plain", 0.3), ("chest", "lora", 0.4), ("chest", "craft", 0.2), ("chest", "real", 0.1)]
    shared = {"label": "all", "evaluator": "stranger", "role": "held_out", "metric": "tail_rate"}
    return {"cas": cas, "tail": make_table("dataset method value", *rates, **shared)}


def test_the_strongest_baseline_is_that_of_the_number_in_question(tables, run):
    found = {(each["dataset"], each["metric"], each["role"]): each for each in find_headline(tables, run)}
    best, least = found["chest", "cas", "held_out"], found["chest", "tail_rate", "held_out"]
    assert (best["against"], best["baseline"]["value"], best["ours"]["value"]) == ("lora", 0.5, 0.9)
    assert (least["against"], least["baseline"]["value"], least["ours"]["value"]) == ("plain", 0.3, 0.2)
    assert best["real"] is None and least["real"]["value"] == 0.1
    assert ("chest", "tail_rate", "reward") not in found


def test_without_reward_method_there_is_no_headline(tables, run_without_reward):
    assert find_headline(tables, run_without_reward) == []
