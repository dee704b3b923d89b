"""The findings of the validity studies."""

import pytest

from craft.evaluation.reporting.findings.classifier import find_classifier
from craft.evaluation.reporting.findings.damage import find_damage
from craft.evaluation.reporting.findings.dimensions import find_dimensions
from craft.evaluation.reporting.findings.drop_one import find_drop_one
from craft.evaluation.reporting.findings.gap import find_gap
from craft.evaluation.reporting.findings.judges import find_judges
from craft.evaluation.reporting.findings.label_swap import find_label_swap
from craft.evaluation.reporting.findings.no_images import find_no_images
from craft.evaluation.reporting.findings.reliability import find_reliability
from craft.evaluation.reporting.findings.same_images import find_same_images
from craft.models.backgrounds import Background, Images

NONE = float("nan")


def test_label_swap_names_the_weakest_dimension_and_those_at_chance(make_table, run):
    rows = [
        ("chest", "judge", "reward", "cas", 0.9, 0.8, 1.0),
        ("skin", "judge", "reward", "cas", 0.8, 0.7, 0.9),
        ("chest", "stranger", "held_out", "cas", 0.4, 0.3, 0.5),
        ("chest", "judge", "reward", "alignment", 0.7, 0.6, 0.8),
        ("skin", "watch", "monitor", "checklist", 0.55, 0.45, 0.65),
    ]
    table = make_table("dataset evaluator role dimension value low high", *rows, study="label_swap", metric="auroc")
    checklist = {"dataset": "skin", "evaluator": "watch", "dimension": "checklist"}
    checklist |= {"value": 0.55, "low": 0.45, "high": 0.65}
    assert find_label_swap({"validity": table}, run) == {
        "chance": 0.5,
        "cas": {"reward": {"low": 0.8, "high": 0.9}, "held_out": {"low": 0.4, "high": 0.4}},
        "weakest": checklist,
        "blind": [
            {"dataset": "chest", "evaluator": "stranger", "dimension": "cas", "value": 0.4, "low": 0.3, "high": 0.5},
            checklist,
        ],
        "labels": {"cases": 0, "blind": []},
    }


def test_label_swap_names_the_claimed_labels_that_are_not_above_chance(make_table, run):
    rows = [
        ("auroc", "alignment", "", 0.75, 0.7),
        ("label_auroc", "alignment", "naevus", 0.95, 0.9),
        ("label_auroc", "alignment", "melanoma", 0.55, 0.45),
    ]
    place = {"dataset": "skin", "evaluator": "judge", "role": "reward", "high": 1.0}
    table = make_table("metric dimension condition value low", *rows, study="label_swap", **place)
    found = find_label_swap({"validity": table}, run)
    (blind,) = found["labels"]["blind"]
    assert found["blind"] == [] and found["labels"]["cases"] == 2
    assert (blind["label"], blind["dataset"], blind["dimension"], blind["value"]) == (
        *("melanoma", "skin", "alignment"),
        0.55,
    )


def test_damage_counts_where_cas_falls_and_names_where_it_does_not(make_table, run):
    rows = [
        ("chest", "reward", "cas", "blur", -0.9, -0.8),
        ("skin", "reward", "cas", "blur", -0.1, 0.1),
        ("skin", "reward", "checklist", "blur", 0.5, 0.6),
        ("chest", "held_out", "cas", "tint", -0.5, -0.1),
    ]
    table = make_table("dataset role dimension condition value high", *rows, study="damage", metric="spearman")
    assert find_damage({"validity": table}, run) == {
        "reward": {"cases": 2, "falling": 1, "not_falling": [{"dataset": "skin", "damage": "blur"}]},
        "held_out": {"cases": 1, "falling": 1, "not_falling": []},
    }


@pytest.fixture
def with_classifier(make_table):
    rows = [
        ("chest", "reward", "cas", "all", "spearman", 0.5),
        ("skin", "reward", "cas", "all", "spearman", 0.75),
        ("skin", "reward", "cas", "real", "spearman", -1.0),
        ("chest", "held_out", "cas", "all", "spearman", 0.25),
        ("chest", "held_out", "cas", "methods", "kendall", 1.0),
        ("chest", "held_out", "alignment", "methods", "kendall", -1.0),
    ]
    return make_table("dataset role dimension condition metric value", *rows, study="classifier")


def test_correlation_with_the_classifier_of_phantoms_is_over_all_images(with_classifier, run):
    assert find_classifier({"validity": with_classifier}, run) == {
        "spearman": {"reward": {"low": 0.5, "high": 0.75}, "held_out": {"low": 0.25, "high": 0.25}},
        "kendall": {"low": 1.0, "high": 1.0},
    }


def test_without_classifier_of_phantoms_there_is_nothing_to_follow(with_classifier, run):
    assert find_classifier({"validity": with_classifier.head(0)}, run) is None


def test_gap_counts_the_runs_in_which_it_opened(cas, make_table, run):
    rows = [
        ("chest", "phantom_classifier", "opens_at", NONE),
        ("skin", "phantom_classifier", "opens_at", 20.0),
        ("skin", "phantom_classifier", "opens_from", 10.0),
        ("chest", "stranger", "opens_at", NONE),
        ("chest", "stranger", "gap_change", 0.5),
    ]
    table = make_table("dataset condition metric value", *rows, study="gap", method="craft", evaluator="own")
    assert find_gap({"cas": cas, "validity": table}, run) == [
        {"judge": "phantom_classifier", "runs": 2, "opened": [{"dataset": "skin", "step": 20, "since": 10}]},
        {"judge": "held_out", "runs": 1, "opened": []},
    ]
    assert find_gap({"cas": cas, "validity": table.head(0)}, run) == []


def test_drop_one_counts_intervals_that_do_not_reach_zero(make_table, run):
    rows = [("checklist", -0.2, -0.1), ("checklist", -0.1, 0.1), ("alignment", 0.1, 0.2), ("alignment", 0.1, 0.3)]
    table = make_table("dimension low high", *rows, study="drop_one", metric="auroc_share")
    found = {entry.pop("dimension"): entry for entry in find_drop_one({"validity": table}, run)}
    assert found["checklist"] == {"cases": 2, "lower": 0, "higher": 1}
    assert found["alignment"] == {"cases": 2, "lower": 2, "higher": 0}
    assert found["plausibility"] == {"cases": 0, "lower": 0, "higher": 0}


def test_same_images_have_one_distance_and_three_scores(make_table, run):
    rows = [
        ("chest", "cas", "own_labels", "mean", 0.75),
        ("skin", "cas", "own_labels", "mean", 0.5),
        ("chest", "cas", "half_swapped", "mean", 0.375),
        ("chest", "cas", "all_swapped", "mean", 0.125),
        ("chest", "alignment", "all_swapped", "mean", 0.0),
        ("chest", "", "own_labels", "fid", 2.0),
        ("skin", "", "own_labels", "fid", 1.0),
    ]
    table = make_table("dataset dimension condition metric value", *rows, study="same_images", role="held_out")
    assert find_same_images({"validity": table}, run) == {
        "cas": {
            "own_labels": {"low": 0.5, "high": 0.75},
            "half_swapped": {"low": 0.375, "high": 0.375},
            "all_swapped": {"low": 0.125, "high": 0.125},
        },
        "fid": {"low": 1.0, "high": 2.0},
    }


def test_an_evaluator_at_chance_or_not_above_the_largest_label_is_no_judge(make_table, run):
    rows = []
    for dataset, evaluator, role, balanced, low, accuracy in (
        ("chest", "judge", "reward", 0.9, 0.85, 0.95),
        ("skin", "judge", "reward", 0.6, 0.5, 0.9),
        ("chest", "stranger", "held_out", 0.7, 0.6, 0.8),
        ("skin", "watch", "monitor", 0.8, 0.7, 0.9),
    ):
        place = (dataset, evaluator, role)
        rows.append((*place, "balanced_accuracy", balanced, low, 1.0))
        rows.append((*place, "accuracy", accuracy, accuracy, accuracy))
        rows += [(*place, name, value, NONE, NONE) for name, value in (("chance", 0.5), ("majority", 0.8))]
    table = make_table("dataset evaluator role metric value low high", *rows, study="judges")
    found = find_judges({"validity": table}, run)
    assert found["cases"] == 4
    assert found["accuracy"] == {"reward": {"low": 0.6, "high": 0.9}, "held_out": {"low": 0.7, "high": 0.7}}
    known = {"high": 1.0, "chance": 0.5, "majority": 0.8}
    assert found["no_judges"] == [
        {"dataset": "skin", "evaluator": "judge", "role": "reward", "value": 0.6, "low": 0.5, "accuracy": 0.9} | known,
        {"dataset": "chest", "evaluator": "stranger", "role": "held_out", "value": 0.7, "low": 0.6, "accuracy": 0.8}
        | known,
    ]


def test_what_is_unknown_of_a_judge_is_told(make_table, run):
    table = make_table("dataset evaluator role metric value low high", study="judges")
    images = [Images(name="skin", fold=1, folds=3)]
    known = {"kind": "evaluator", "family": "clip_bit", "training_data": images, "origin": "seed 2"}
    judges = [
        Background(name="watch", role="monitor", **known),
        Background(name="stranger", role="held_out", **known | {"training_data": None, "origin": None}),
    ]
    found = find_judges({"validity": table}, run.model_copy(update={"judges": judges}))
    assert found["declared"] == 2
    assert found["unknown"] == [
        {"name": "stranger", "kind": "evaluator", "role": "held_out", "what": ["training data", "origin"]}
    ]
    assert find_judges({"validity": table}, run)["declared"] == 0


def test_dimensions_that_nearly_always_agree_are_redundant(make_table, run):
    rows = [
        ("chest", "reward", "alignment", "specificity", 0.96),
        ("skin", "reward", "alignment", "specificity", 0.5),
        ("chest", "monitor", "alignment", "specificity", 0.99),
        ("chest", "held_out", "alignment", "specificity", 0.95),
        ("skin", "held_out", "alignment", "specificity", NONE),
    ]
    table = make_table("dataset role dimension condition value", *rows, study="dimensions", metric="spearman")
    found = find_dimensions({"validity": table}, run)
    first, *others = found["pairs"]
    assert found["limit"] == 0.95 and len(others) == 5 and all(pair["cases"] == 0 for pair in others)
    assert first == {
        "first": "alignment",
        "second": "specificity",
        "spearman": {"reward": {"low": 0.5, "high": 0.96}, "held_out": {"low": 0.95, "high": 0.95}},
        "cases": 5,
        "redundant": 2,
    }


def test_reliability_names_the_worst_calibration(make_table, run):
    rows = [
        ("chest", "judge", "reward", "alignment", "calibration_error", 0.05, 0.02, 0.08),
        ("skin", "judge", "reward", "alignment", "calibration_error", 0.1, 0.05, 0.15),
        ("skin", "watch", "monitor", "checklist", "calibration_error", 0.3, 0.2, 0.4),
        ("skin", "watch", "monitor", "checklist", "observed", 0.9, 0.8, 1.0),
    ]
    table = make_table("dataset evaluator role dimension metric value low high", *rows, study="reliability")
    found = find_reliability({"validity": table}, run)
    assert found["errors"]["alignment"] == {"reward": {"low": 0.05, "high": 0.1}, "held_out": None}
    assert found["worst"] == {
        "dataset": "skin",
        "evaluator": "watch",
        "dimension": "checklist",
        "value": 0.3,
        "low": 0.2,
        "high": 0.4,
    }
    assert find_reliability({"validity": table.head(0)}, run) is None


def test_no_images_are_short_of_the_goal_kind_by_kind(make_table, run):
    rows = [
        ("chest", "judge", "reward", "cas", "blank", 1.0),
        ("skin", "judge", "reward", "cas", "blank", 0.75),
        ("skin", "judge", "reward", "cas", "white_noise", 0.5),
        ("skin", "judge", "reward", "cas", "all", 0.25),
        ("skin", "judge", "reward", "plausibility", "blank", 0.0),
        ("chest", "judge", "reward", "plain_mean", "blank", 0.125),
        ("chest", "stranger", "held_out", "cas", "blank", 0.95),
        ("chest", "stranger", "held_out", "plain_mean", "blank", 0.25),
    ]
    table = make_table("dataset evaluator role dimension condition value", *rows, study="no_images", level=0.05)
    found = find_no_images({"validity": table.assign(metric="refused")}, run)
    judge, stranger = found.pop("evaluators")
    assert found == {"goal": 0.95, "quantile": 0.05}
    assert judge["cas"] == {"dataset": "skin", "kind": "white_noise", "value": 0.5, "low": 0.5, "high": 0.5}
    assert judge["plain_mean"]["value"] == 0.125 and judge["role"] == "reward"
    assert judge["short"] == [{"dataset": "skin", "kinds": ["blank", "white_noise"]}]
    assert stranger["evaluator"] == "stranger" and stranger["short"] == []
    nothing = find_no_images({"validity": table.head(0).assign(metric="refused")}, run)
    assert nothing == {"goal": 0.95, "quantile": None, "evaluators": []}
