"""Rank agreement of evaluators against scipy."""

import pandas as pd
import pytest
from fake_results import LABELS, METHODS, make_results
from scipy.stats import kendalltau, spearmanr

from craft.evaluation.comparison.agreement_table import agreement_table
from craft.evaluation.comparison.pairs import pair_datasets
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES


@pytest.fixture(scope="module")
def table(scores, fake_run):
    return agreement_table(pair_datasets(scores, fake_run[1]), fake_run[1])


def pick(table: pd.DataFrame, metric: str) -> pd.Series:
    return table.query(
        "dataset == 'skin' and evaluator == 'clip_resnet' and against == 'siglip_regnet' and metric == @metric"
    ).squeeze()


def test_every_couple_of_evaluators_is_compared_once(table):
    assert len(table) == len(LABELS) * 3 * 6
    assert not table.duplicated(["dataset", "evaluator", "against", "metric"]).any()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"]))[
        table["metric"] != "kendall_tau"
    ].all()


def test_images_are_ranked_as_scipy_ranks_them(table, scores):
    rows = scores.query("dataset == 'skin' and method in @METHODS")
    pooled, within = [], []
    for _, seed in rows.groupby("seed"):
        wide = seed.pivot(index=["method", "image_id"], columns="evaluator", values="cas").astype(float)
        pooled.append(spearmanr(wide["clip_resnet"], wide["siglip_regnet"]).statistic)
        ranks = wide.groupby("method").rank()
        within.append(ranks["clip_resnet"].corr(ranks["siglip_regnet"]))
    assert pick(table, "spearman")["value"] == pytest.approx(sum(pooled) / 2)
    assert pick(table, "spearman_within")["value"] == pytest.approx(sum(within) / 2)
    assert pick(table, "spearman")["n"] == 2 * 3 * 24 * len(METHODS)


def test_methods_are_ranked_by_their_mean(table, scores):
    means = scores.query("dataset == 'skin' and method in @METHODS").groupby(["evaluator", "method"])["cas"].mean()
    expected = kendalltau(means["clip_resnet"].sort_index(), means["siglip_regnet"].sort_index()).statistic
    row = pick(table, "kendall_tau")
    assert row["value"] == pytest.approx(expected) and row["n"] == len(METHODS)


def test_an_evaluator_agrees_with_its_copy(scores, fake_run):
    alike = scores[(scores["dataset"] == "skin") & scores["evaluator"].isin(["clip_resnet", "clip_bit"])].copy()
    alike.loc[alike["evaluator"] == "clip_bit", "cas"] = alike.loc[
        alike["evaluator"] == "clip_resnet", "cas"
    ].to_numpy()
    table = agreement_table(pair_datasets(alike, fake_run[1]), fake_run[1])
    assert table["value"].to_numpy() == pytest.approx(1) and table["low"].to_numpy() == pytest.approx(1)


def test_one_method_has_no_order(tmp_path):
    run = make_results(tmp_path, per_label=4, methods=["lora"])
    table = agreement_table(pair_datasets(Results(tmp_path, run).read(SCORES), run), run)
    assert set(table["metric"]) == {"spearman", "spearman_within"}
