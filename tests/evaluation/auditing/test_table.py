"""The audit's table: shares of satisfied items, agreement of auditors, and the order of methods beside that of CAS."""

import numpy as np
import pandas as pd
import pytest
from fake_results import EVALUATORS, LABELS, METHODS
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import cohen_kappa_score

from craft.core.errors import CraftError
from craft.core.files import write_parquet
from craft.evaluation.auditing.agreement import cohen_kappa, estimate_kappa
from craft.evaluation.auditing.results import ANSWERS
from craft.evaluation.auditing.table import TABLE, audit_table
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES
from craft.evaluation.statistics.ranks import rank_correlations
from craft.evaluation.tables import COLUMNS

KEYS = ["dataset", "label", "method", "evaluator", "metric"]


@pytest.fixture(scope="module")
def results(fake_run):
    return Results(*fake_run)


@pytest.fixture(scope="module")
def answers(results):
    return results.read(ANSWERS)


@pytest.fixture(scope="module")
def table(results):
    return TABLE.make(results)


def tabulate(answers, results):
    return audit_table(answers, results.read(SCORES), results.run)


def test_table_has_one_row_for_every_cell(table):
    groups = sum(1 + len(names) for names in LABELS.values()) * (len(METHODS) + 2) * 2
    items = sum(len(names) for names in LABELS.values()) * (len(METHODS) + 2) * 2 * 2
    agreement = len(LABELS) * (len(METHODS) + 2) + len(LABELS) * 2 * 2 * (len(EVALUATORS) + 1)
    assert tuple(table.columns) == COLUMNS and not table.duplicated(KEYS).any()
    assert len(table) == groups * 2 + items + agreement
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert set(table["role"]) == {"auditor"}


def test_shares_are_those_of_the_audit_files(table, answers):
    cells = table.set_index(KEYS)["value"]
    rows = answers.query("dataset == 'skin' and label == 'melanoma' and method == 'craft' and auditor == 'biomarkers'")
    told = rows[rows["answer"] != "cannot tell"].assign(yes=rows["answer"] == "yes")
    place = ("skin", "melanoma", "craft", "biomarkers")
    assert cells[(*place, "told")] == pytest.approx(len(told) / len(rows))
    first = told[told["item"] == "sign 0 of melanoma is present"]
    by_seed = first.groupby("seed")["yes"].mean()
    shown = table.set_index(KEYS).loc[(*place, "item: sign 0 of melanoma is present"), ["n", "seeds"]]
    assert shown.to_list() == [len(first), 2] and len(told) < len(rows)
    assert cells[(*place, "item: sign 0 of melanoma is present")] == pytest.approx(by_seed.mean())
    images = told.assign(sum=told["yes"] * told["weight"]).groupby(["seed", "image_id"])[["sum", "weight"]].sum()
    assert cells[(*place, "satisfied")] == pytest.approx(
        (images["sum"] / images["weight"]).groupby("seed").mean().mean()
    )


def test_an_item_that_nobody_can_tell_has_no_share(table):
    assert not table["metric"].str.startswith("item: sign 2").any()


def test_an_audit_that_tells_nothing_has_no_satisfied_share(answers, results):
    silent = answers[(answers["dataset"] == "chest") & (answers["auditor"] == "biomarkers")].assign(
        answer="cannot tell"
    )
    table = tabulate(silent, results)
    assert set(table["metric"]) == {"told"} and (table["value"] == 0).all()


def test_identical_images_count_one_by_one(answers, results):
    same = answers[(answers["dataset"] == "chest") & (answers["method"] == "craft")].assign(image_id="collapsed")
    table = tabulate(same, results).set_index(KEYS)
    assert table.loc[("chest", "normal", "craft", "mllm", "told"), "n"] == 48


def test_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    first, second = rng.integers(2, size=(2, 400))
    second[:250] = first[:250]
    cells = np.zeros((1, 2, 2))
    np.add.at(cells[0], (first, second), 1)
    assert cohen_kappa(cells)[0] == pytest.approx(cohen_kappa_score(first, second))
    assert cohen_kappa(np.array([[[5, 0], [0, 5]], [[5, 5], [5, 5]], [[0, 5], [5, 0]]])) == pytest.approx([1, 0, -1])
    assert np.isnan(cohen_kappa(np.array([[[7, 0], [0, 0]]])))


def test_kappa_of_auditors_is_over_what_both_told(table, answers, results):
    rows = answers.query("dataset == 'chest' and method == 'real'")
    sides = [rows[rows["auditor"] == name].set_index(["image_id", "item"])["answer"] for name in ("biomarkers", "mllm")]
    both = pd.concat(sides, axis=1, keys=["biomarkers", "mllm"])
    both = both[(both != "cannot tell").all(axis=1)]
    cell = table.set_index(KEYS).loc[("chest", "all", "real", "biomarkers", "kappa: mllm")]
    assert cell["value"] == pytest.approx(cohen_kappa_score(both["biomarkers"], both["mllm"]))
    assert 0.4 < cell["value"] < 0.8
    alone = rows[rows["auditor"] == "mllm"]
    assert estimate_kappa(alone, ("biomarkers", "mllm"), results.run.scoring) is None


def test_rank_correlations_of_known_orders():
    found = rank_correlations(
        np.array([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4.0]]), np.array([[5, 6, 7, 8], [8, 7, 6, 5], [6, 5, 7, 8.0]])
    )
    assert found == pytest.approx(np.array([[1, 1], [-1, -1], [2 / 3, 0.8]]))
    assert np.isnan(rank_correlations(np.ones((1, 3)), np.arange(3.0)[None])).all()


def test_rank_correlations_with_ties_are_those_of_scipy():
    first, second = np.random.default_rng(0).integers(4, size=(2, 20, 6)).astype(float)
    expected = [(kendalltau(a, b).statistic, spearmanr(a, b).statistic) for a, b in zip(first, second, strict=True)]
    assert rank_correlations(first, second) == pytest.approx(np.array(expected))


def test_order_of_the_methods_is_set_beside_that_of_cas(table):
    ranks = table[table["metric"] == "kendall: siglip_regnet"].set_index(["dataset", "evaluator"])
    assert set(ranks["method"]) == {"all"} and len(ranks) == 4
    # foundation < lora < craft in the drawn scores and in the drawn answers
    assert ranks.loc[("skin", "biomarkers"), "value"] == 1.0
    assert ranks["n"].max() <= len(METHODS) * 2 * 3 * 24


@pytest.mark.parametrize(
    "spoil, finding",
    [
        (lambda frame: frame.assign(answer="perhaps"), "is 'perhaps', expected 'yes', 'no' or 'cannot tell'"),
        (lambda frame: frame.drop(frame.index[1]), "do not all have the same checklist"),
    ],
)
def test_bad_answers_are_one_sentence(results, tmp_path, spoil, finding):
    answers = results.read(ANSWERS)
    write_parquet(tmp_path / "audit.parquet", spoil(answers[answers["dataset"] == "chest"]))
    with pytest.raises(CraftError, match=finding) as error:
        ANSWERS.load(tmp_path / "audit.parquet")
    assert "\n" not in str(error.value)


def test_a_missing_audit_is_one_sentence(results, tmp_path):
    with pytest.raises(CraftError, match=r"no table .*chest/audit\.parquet: run `snakemake"):
        Results(tmp_path, results.run).read(ANSWERS)
