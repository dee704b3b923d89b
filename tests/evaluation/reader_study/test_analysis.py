"""What answers say: numbers that can be computed by hand, and readers that did not look."""

import numpy as np
import pandas as pd
import pytest
from fake_study import prefers, write_response, write_study

from craft.core.errors import CraftError
from craft.evaluation.reader_study.analysis import analyse_study
from craft.evaluation.reader_study.responses import read_key, read_responses
from craft.evaluation.reader_study.results import STUDY_COLUMNS

INDEX = ["metric", "dataset", "label", "reader", "method"]


@pytest.fixture
def analysed(study, tmp_path):
    """Analyses readers who answer by rules, by their names; main pairs are numbered among themselves."""

    def analyse(rules: dict, folder=study[0], **options) -> pd.DataFrame:
        key = read_key(folder / "key.json")
        raw = key.model_dump(mode="json")
        paths = [write_response(tmp_path / f"{name}.json", raw, name, rule) for name, rule in rules.items()]
        return analyse_study(key, read_responses(key, paths), **options).set_index(INDEX).sort_index()

    return analyse


def prefers_in(key: dict, method: str, other: str, count: int):
    """A reader who prefers one method in the first `count` main pairs and another in the rest."""
    order = [pair["pair"] for pair in key["pairs"] if pair["kind"] == "main"]

    def choose(pair: dict, number: int) -> str:
        first = (pair["repeats"] or pair["pair"]) in order[:count] or pair["kind"] == "check"
        return prefers(method if first else other)(pair, number)

    return choose


def value(table: pd.DataFrame, metric: str, column: str = "value", dataset="all", label="all", reader="all", method=""):
    return table.loc[(metric, dataset, label, reader, method), column].item()


def test_win_rates_have_exact_intervals_and_p_values(study, analysed):
    table = analysed({"anna": prefers_in(study[1], "craft", "lora", 9)})
    cells = [value(table, "win_rate", name, method="craft") for name in ("value", "low", "high", "p", "n")]
    assert cells == pytest.approx([0.75, 0.42814, 0.94514, 0.14600, 12], abs=1e-5)
    assert value(table, "no_difference", method="craft") == 0
    assert value(table, "confidence", method="craft") == 4
    labels = table.loc["win_rate"].query("label != 'all'")
    assert len(labels) == 4 and (labels["n"] == 3).all()
    assert np.average(labels["value"].astype(float)) == pytest.approx(0.75)


def test_strengths_are_log_odds_of_two_methods(study, analysed):
    table = analysed({"anna": prefers_in(study[1], "craft", "lora", 9)})
    own, other = (value(table, "strength", method=method) for method in ("craft", "lora"))
    assert own - other == pytest.approx(np.log(9.5 / 3.5))
    assert value(table, "strength", "low", method="craft") < own < value(table, "strength", "high", method="craft")


def test_a_pair_is_decided_by_most_of_its_readers(study, analysed):
    rules = {"anna": prefers("craft"), "bert": prefers("craft"), "cora": prefers("lora")}
    table = analysed(rules)
    assert value(table, "win_rate", method="craft") == pytest.approx(2 / 3)
    assert (value(table, "win_rate", "n", method="craft"), value(table, "win_rate", "readers", method="craft")) == (
        36,
        3,
    )
    cells = [value(table, "pair_win_rate", name, method="craft") for name in ("value", "n", "p")]
    assert cells == pytest.approx([1.0, 12, 2 / 2**12])
    assert value(table, "win_rate", reader="cora", method="craft") == 0


def test_no_difference_counts_as_no_choice(study, analysed):
    undecided = {"anna": lambda pair, number: prefers("craft")(pair, number) if pair["damaged"] else "none"}
    table = analysed(undecided)
    assert value(table, "win_rate", "n", method="craft") == 0 and np.isnan(value(table, "win_rate", method="craft"))
    assert value(table, "no_difference", method="craft") == 1
    assert value(table, "strength", method="craft") == pytest.approx(0)


def test_agreement_of_a_reader_with_itself_and_of_readers(study, analysed):
    fickle = {pair["pair"]: pair["kind"] for pair in study[1]["pairs"]}

    def exchanged(pair: dict, number: int) -> str:
        """Always the left image, so that a repeated pair with exchanged sides is answered the other way."""
        return prefers("craft")(pair, number) if fickle[pair["pair"]] == "check" else "left"

    table = analysed({"anna": prefers_in(study[1], "craft", "lora", 2), "bert": exchanged})
    assert value(table, "agreement_within", reader="anna") == 1 and value(table, "kappa_within", reader="anna") == 1
    assert value(table, "agreement_within", reader="bert") == 0
    assert value(table, "agreement_within") == 0.5 and value(table, "agreement_within", "n") == 8
    main = [pair for pair in study[1]["pairs"] if pair["kind"] == "main"]
    first = np.array([number < 2 for number in range(12)])
    second = np.array([pair["left"]["method"] == "craft" for pair in main])
    observed, pooled = (first == second).mean(), (first.mean() + second.mean()) / 2
    chance = first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean())
    assert value(table, "kappa", reader="anna, bert") == pytest.approx((observed - chance) / (1 - chance))
    fleiss = pooled**2 + (1 - pooled) ** 2
    assert value(table, "fleiss_kappa") == pytest.approx((observed - fleiss) / (1 - fleiss))


def test_grades_and_signs_are_told_by_method(analysed):
    table = analysed({"anna": prefers("craft")})
    assert value(table, "realism", method="craft") == 5 and value(table, "realism", method="lora") == 2
    # of two signs the second could not be told
    assert value(table, "signs", method="lora") == 1 and value(table, "signs", "n", method="lora") == 12


def test_who_fails_an_attention_check_is_named_and_left_out_unless_kept(study, analysed):
    rules = {"anna": prefers("craft"), "bert": lambda pair, number: pair["damaged"] or prefers("lora")(pair, number)}
    table = analysed(rules)
    assert value(table, "attention_failed", reader="bert") == 1 and value(table, "attention_failed", reader="anna") == 0
    assert value(table, "win_rate", method="craft") == 1 and value(table, "win_rate", "readers", method="craft") == 1
    kept = analysed(rules, keep_inattentive=True)
    assert value(kept, "win_rate", method="craft") == 0.5
    with pytest.raises(CraftError, match="no answer is left that counts: bert failed an attention check"):
        analysed({"bert": rules["bert"]})


def test_several_methods_are_held_against_one(tmp_path, analysed):
    write_study(tmp_path, against=["lora", "real"], pairs_per_label=2, repeats=0, attention_checks=0)
    table = analysed({"anna": prefers("craft"), "bert": prefers("real")}, folder=tmp_path).reset_index()
    rates = table.query("metric == 'win_rate' and dataset == 'all' and reader == 'all'").set_index("against")["value"]
    # where neither image is real, the second reader always takes the right one, which is either method's as often
    assert rates["lora"] == pytest.approx(0.75) and rates["real"] == pytest.approx(0.5)
    strengths = table[table["metric"] == "strength"].set_index("method")["value"].astype(float)
    assert strengths.sum() == pytest.approx(0) and list(table["study"].unique()) == [
        read_key(tmp_path / "key.json").study
    ]


def test_the_table_has_its_columns_and_no_cell_below_zero_or_above_one_among_shares(analysed):
    table = analysed({"anna": prefers("craft")}).reset_index()
    assert set(table.columns) == set(STUDY_COLUMNS)
    shares = table[table["metric"].isin(["win_rate", "pair_win_rate", "no_difference", "agreement_within", "signs"])]
    assert shares[["value", "low", "high"]].astype(float).stack().between(0, 1).all()
