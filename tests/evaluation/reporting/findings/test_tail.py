"""The tail against the strongest baseline's."""

from craft.evaluation.reporting.findings.tail import find_tail

COLUMNS = "dataset evaluator metric value low high"


def test_reductions_are_counted_and_the_mean_is_kept(cas, make_table, run):
    reductions = make_table(
        COLUMNS,
        ("chest", "judge", "reduction_points", 0.3, 0.2, 0.4),
        ("chest", "judge", "reduction_points_q05", 0.9, 0.9, 0.9),
        ("skin", "judge", "reduction_points", -0.1, -0.2, 0.1),
        ("chest", "judge", "reduction_relative", 0.6, 0.5, 0.7),
        ("skin", "judge", "reduction_relative", -0.4, -0.5, 0.1),
        ("all", "judge", "reduction_points", 0.1, 0.0, 0.2),
        ("all", "judge", "reduction_relative", 0.25, 0.15, 0.35),
        method="craft",
    )
    found = find_tail({"cas": cas, "tail_reduction": reductions}, run)
    assert found["reward"] == [
        {
            "evaluator": "judge",
            "datasets": 2,
            "smaller": 1,
            "larger": 1,
            "points": {"low": -0.1, "high": 0.3},
            "shares": {"low": -0.4, "high": 0.6},
            "relative": {"value": 0.25, "low": 0.15, "high": 0.35},
        }
    ]
    assert found["held_out"] == [
        {
            "evaluator": "stranger",
            "datasets": 0,
            "smaller": 0,
            "larger": 0,
            "points": None,
            "shares": None,
            "relative": None,
        }
    ]
