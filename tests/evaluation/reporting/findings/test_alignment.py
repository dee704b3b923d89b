"""CAS against the strongest baseline, and the same comparison of label agreement."""

import pandas as pd
import pytest

from craft.evaluation.reporting.findings.alignment import find_alignment
from craft.evaluation.reporting.findings.label_agreement import find_label_agreement

COLUMNS = "dataset evaluator against metric value p_holm"


@pytest.fixture
def tables(cas, make_table):
    comparisons = make_table(
        COLUMNS,
        ("chest", "judge", "lora", "cas", 0.4, 0.001),
        ("chest", "judge", "plain", "cas", 0.6, 0.001),
        ("skin", "judge", "plain", "cas", 0.2, 0.3),
        ("skin", "judge", "lora", "cas", 0.4, 0.001),
        ("chest", "stranger", "lora", "cas", -0.1, 0.001),
        ("skin", "stranger", "plain", "cas", 0.1, 0.01),
        ("chest", "phantom_classifier", "lora", "label_agreement", 0.3, 0.001),
        ("skin", "phantom_classifier", "plain", "label_agreement", -0.2, 0.001),
        method="craft",
    )
    return {"cas": cas, "comparisons": comparisons}


def test_the_strongest_baseline_of_every_dataset_is_what_counts(tables, run):
    (found,) = find_alignment(tables, run)["reward"]
    assert found == {
        "evaluator": "judge",
        "datasets": 2,
        "better": 2,
        "worse": 0,
        "clear": 1,
        "difference": {"low": 0.2, "high": 0.4},
    }


def test_a_significant_loss_is_not_clearly_better(tables, run):
    (found,) = find_alignment(tables, run)["held_out"]
    assert (found["better"], found["worse"], found["clear"], found["difference"]) == (
        1,
        1,
        1,
        {"low": -0.1, "high": 0.1},
    )


def test_without_reward_method_there_is_nothing_to_compare(tables, run_without_reward):
    (found,) = find_alignment(tables, run_without_reward)["reward"]
    assert found["datasets"] == 0 and found["difference"] is None


def test_label_agreement_is_compared_in_the_same_way(tables, run):
    found = find_label_agreement(tables, run)
    assert (found["datasets"], found["better"], found["difference"]) == (2, 1, {"low": -0.2, "high": 0.3})


def test_more_agreement_than_real_images_have_is_exaggeration(tables, run, make_table):
    shares = make_table(
        "dataset method value low high",
        ("chest", "real", 0.86, 0.82, 0.90),
        ("chest", "craft", 0.98, 0.95, 0.99),
        ("skin", "real", 0.86, 0.82, 0.90),
        ("skin", "craft", 0.92, 0.88, 0.95),
        evaluator="phantom_classifier",
        role="phantom_classifier",
        metric="label_agreement",
        label="all",
    )
    rest = tables["cas"][tables["cas"]["evaluator"] != "phantom_classifier"]
    found = find_label_agreement(tables | {"cas": pd.concat([rest, shares])}, run)
    assert found["exaggerated"] == [{"dataset": "chest", "own": 0.98, "real": 0.86}]


def test_without_classifier_of_phantoms_nothing_is_said_of_label_agreement(tables, run):
    tables["cas"] = tables["cas"].query("role != 'phantom_classifier'")
    assert find_label_agreement(tables, run) is None
