"""The checklist audit of the reward method."""

import pytest

from craft.evaluation.reporting.findings.audit import find_audit

COLUMNS = "dataset method metric value low high"


@pytest.fixture
def tables(cas, make_table):
    rows = [
        ("chest", "real", "satisfied", 0.9, 0.8, 1.0),
        ("chest", "plain", "satisfied", 0.3, 0.2, 0.4),
        ("chest", "lora", "satisfied", 0.5, 0.4, 0.6),
        ("chest", "craft", "satisfied", 0.75, 0.65, 0.85),
        ("chest", "all", "kendall: stranger", 0.5, 0.5, 0.5),
        ("skin", "real", "satisfied", 0.5, 0.4, 0.6),
        ("skin", "plain", "satisfied", 0.5, 0.4, 0.6),
        ("skin", "lora", "satisfied", 0.25, 0.2, 0.3),
        ("skin", "craft", "satisfied", 0.625, 0.5, 0.75),
        ("skin", "all", "kendall: stranger", 1.0, 1.0, 1.0),
        ("skin", "all", "kendall: judge", -1.0, -1.0, -1.0),
    ]
    return {"cas": cas, "audit": make_table(COLUMNS, *rows, label="all", evaluator="reader")}


def test_an_auditor_compares_with_the_strongest_baseline_and_with_real_images(tables, run):
    assert find_audit(tables, run) == [
        {
            "auditor": "reader",
            "datasets": 2,
            "better": 2,
            "worse": 0,
            "clear": 1,
            "difference": {"low": 0.125, "high": 0.25},
            "from_real": pytest.approx({"low": -0.15, "high": 0.125}),
            "kendall": {"low": 0.5, "high": 1.0},
        }
    ]


def test_without_held_out_evaluator_there_is_no_rank_agreement(tables, run):
    tables["cas"] = tables["cas"].query("role != 'held_out'")
    assert find_audit(tables, run)[0]["kendall"] is None


def test_without_reward_method_no_auditor_finds_anything(tables, run_without_reward):
    assert find_audit(tables, run_without_reward) == []
