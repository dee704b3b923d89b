"""Comparisons of methods, and the tail against the strongest baseline."""

import numpy as np
import pytest
from fake_results import EVALUATORS, LABELS, make_results
from scipy import stats

from craft.evaluation.comparison.baseline import strongest
from craft.evaluation.comparison.columns import AGAINST_COLUMNS, COMPARISON_COLUMNS
from craft.evaluation.comparison.difference_table import comparison_table, opponents
from craft.evaluation.comparison.pairs import pair_datasets
from craft.evaluation.comparison.reduction_table import reduction_table
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES
from craft.evaluation.scoring.tail_table import tail_table
from craft.evaluation.statistics.significance import holm


@pytest.fixture(scope="module")
def comparisons(pairs, fake_run):
    return comparison_table(pairs, fake_run[1])


@pytest.fixture(scope="module")
def reductions(pairs, fake_run):
    return reduction_table(pairs, fake_run[1])


def test_the_reward_method_meets_every_other_method_under_every_evaluator(comparisons):
    assert tuple(comparisons.columns) == COMPARISON_COLUMNS
    assert len(comparisons) == len(LABELS) * 2 * 2 * (len(EVALUATORS) + 1)
    assert set(comparisons["method"]) == {"craft"} and set(comparisons["against"]) == {"foundation", "lora"}
    filled = comparisons.drop(columns=["source"])
    assert filled.notna().all().all() and (comparisons["low"] <= comparisons["high"]).all()


def test_a_difference_is_that_of_the_means_with_the_effect_sizes_of_its_pairs(comparisons, scores):
    row = comparisons.query(
        "dataset == 'skin' and evaluator == 'siglip_regnet' and metric == 'cas' and against == 'lora'"
    ).squeeze()
    rows = scores.query("dataset == 'skin' and evaluator == 'siglip_regnet'").sort_values(["seed", "image_id"])
    own, other = (rows[rows["method"] == name]["cas"].to_numpy(float) for name in ("craft", "lora"))
    assert row["value"] == pytest.approx(own.mean() - other.mean())
    t = stats.ttest_rel(own, other)
    assert row["cohen_dz"] == pytest.approx(t.statistic / np.sqrt(len(own)))
    assert (row["n"], row["seeds"]) == (len(own), 2)
    assert row["source"] == "skin/craft/seed*/scores.parquet; skin/lora/seed*/scores.parquet"


def test_p_values_are_corrected_within_a_metric_and_evaluator(comparisons):
    for _, family in comparisons.groupby(["evaluator", "metric"]):
        assert len(family) == 2 * len(LABELS)
        assert family["p_holm"].to_numpy() == pytest.approx(holm(family["p"].to_numpy()))


def test_the_classifier_of_phantoms_is_compared_by_probability_and_label_agreement(comparisons):
    assert set(comparisons[comparisons["evaluator"] == PHANTOM_CLASSIFIER]["metric"]) == {"cas", "label_agreement"}
    assert set(comparisons.query("evaluator == 'clip_bit'")["metric"]) == {"cas", "tail_rate"}


def test_two_reward_methods_meet_once():
    assert opponents(["lora", "craft", "other"], ["craft", "other"]) == [
        ("craft", "lora"),
        ("other", "lora"),
        ("other", "craft"),
    ]


def test_a_reduction_is_measured_against_the_baseline_of_the_lowest_rate(reductions, scores, fake_run):
    assert tuple(reductions.columns) == AGAINST_COLUMNS
    rates = tail_table(scores, fake_run[1]).query("label == 'all' and metric == 'tail_rate'")
    rates = rates.query("dataset == 'chest' and evaluator == 'clip_resnet'").set_index("method")["value"]
    best = strongest(rates[["foundation", "lora"]].to_dict(), "lowest")
    assert best == rates[["foundation", "lora"]].idxmin()
    rows = reductions.query("dataset == 'chest' and evaluator == 'clip_resnet'").set_index("metric")
    assert rows.loc["reduction_points", "against"] == best
    assert rows.loc["reduction_points", "value"] == pytest.approx(rates[best] - rates["craft"])
    assert rows.loc["reduction_relative", "value"] == pytest.approx(1 - rates["craft"] / rates[best])
    assert (rows["low"] <= rows["high"]).all()


def test_a_reduction_has_a_row_for_every_quantile_and_for_the_mean_of_the_datasets(reductions):
    rows = reductions.query("evaluator == 'siglip_regnet'")
    assert {"reduction_points", "reduction_points@0.05", "reduction_points@0.01"} <= set(rows["metric"])
    points = rows.query("metric == 'reduction_points'").set_index("dataset")
    mean = points.loc["all"]
    assert mean["value"] == pytest.approx(points.drop(index="all")["value"].mean())
    assert mean["n"] == points.drop(index="all")["n"].sum() and mean["against"] == "strongest"
    widths = points["high"] - points["low"]
    assert widths["all"] < widths.drop(index="all").max()


def test_a_relative_reduction_of_no_tail_is_left_out(scores, fake_run):
    perfect = scores[scores["dataset"] == "chest"].copy()
    perfect.loc[perfect["method"] == "lora", "cas"] = 1.0
    rows = reduction_table(pair_datasets(perfect, fake_run[1]), fake_run[1])
    chest = rows.query("dataset == 'chest' and evaluator == 'clip_bit'")
    assert set(chest["against"]) == {"lora"}
    assert not chest["metric"].str.startswith("reduction_relative").any()
    assert (chest["value"] <= 0).all()


def test_a_run_without_reward_methods_has_empty_tables(tmp_path):
    run = make_results(tmp_path, per_label=4, methods=["foundation", "lora"])
    pairs = pair_datasets(Results(tmp_path, run).read(SCORES), run)
    assert comparison_table(pairs, run).empty and reduction_table(pairs, run).empty


def test_the_strongest_baseline_is_the_first_of_the_best():
    rates = {"foundation": 0.5, "lora": 0.2, "other": 0.2}
    assert strongest(rates, "lowest") == "lora" and strongest(rates, "highest") == "foundation"
    with pytest.raises(ValueError, match="no baseline"):
        strongest({}, "lowest")
