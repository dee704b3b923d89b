"""Rank agreement with the evaluator that gave the reward."""

from craft.evaluation.reporting.findings.agreement import find_agreement

COLUMNS = "dataset evaluator against metric value"


def test_pairs_are_found_whichever_evaluator_stands_first(cas, make_table, run):
    rows = [
        ("chest", "judge", "stranger", "kendall_tau", 0.5),
        ("skin", "judge", "stranger", "kendall_tau", 1.0),
        ("chest", "stranger", "judge", "spearman_within", 0.25),
        ("chest", "phantom_classifier", "judge", "spearman_within", 0.75),
        ("chest", "judge", "watch", "kendall_tau", -1.0),
        ("chest", "stranger", "phantom_classifier", "kendall_tau", -1.0),
    ]
    assert find_agreement({"cas": cas, "agreement": make_table(COLUMNS, *rows)}, run) == {
        "evaluator": "judge",
        "others": [
            {"evaluator": "stranger", "kendall": {"low": 0.5, "high": 1.0}, "spearman": {"low": 0.25, "high": 0.25}},
            {"evaluator": "phantom_classifier", "kendall": None, "spearman": {"low": 0.75, "high": 0.75}},
        ],
    }
