"""The ledger of claims refuses a number without a source, and follows rows to jobs."""

import pandas as pd
import pytest

from craft.core.errors import CraftError
from craft.evaluation.reporting.ledger import jobs_of, label_rows, make_ledger, numbers_in
from craft.evaluation.reporting.traced import Count, Value, defined
from craft.evaluation.results import SETTINGS
from craft.evaluation.settings import Run, ScoringSettings

RUN = Run(
    datasets={"chest": ["normal"], "skin": ["naevus"]},
    methods=["lora", "craft"],
    rewarded=["craft"],
    seeds=[0, 1],
    scoring=ScoringSettings(),
)
TABLE = pd.DataFrame({"dataset": ["chest", "skin"], "method": ["craft", "real"], "value": [0.25, float("nan")]})


def ledger_of(findings: dict) -> dict:
    described = {"seeds": 2, "methods": [{"key": "lora", "settings": {"steps": 7}}]}
    return make_ledger(findings, described, [label_rows(TABLE, "tables/cas.csv")], {}, RUN)


def test_places_of_numbers_spell_their_way_through_the_findings():
    tree = {"a": [{"low": 1.0, "told": True}, None], "b": {"name": "x", "n": 2}}
    assert list(numbers_in(tree)) == [("a.0.low", 1.0), ("b.n", 2)]


def test_a_claim_names_its_rows_and_these_their_jobs():
    ledger = ledger_of({"gain": Value(0.25, ["tables/cas.csv:2"])})
    assert ledger["claims"][0] == {"id": "gain", "value": 0.25, "rows": ["tables/cas.csv:2"]}
    assert ledger["rows"] == {
        "tables/cas.csv:2": {
            "dataset": "chest",
            "method": "craft",
            "value": 0.25,
            "jobs": ["chest/craft/seed0", "chest/craft/seed1"],
        }
    }
    assert ledger["jobs"]["chest/craft/seed1"] == {"dataset": "chest", "method": "craft", "seed": 1, "settings": []}


@pytest.mark.parametrize("number", [0.25, 3, Value(0.25), Count(3)], ids=repr)
def test_a_number_without_a_source_is_refused(number):
    with pytest.raises(CraftError, match=r"the claim 'gain.low' \(\S+\) has no source"):
        ledger_of({"gain": {"low": number}})


def test_a_number_from_a_row_that_no_table_has_is_refused():
    with pytest.raises(CraftError, match=r"rests on tables/cas\.csv:9, which is a row of no table"):
        ledger_of({"gain": Value(1, ["tables/cas.csv:9"])})


def test_counts_of_nothing_settings_and_constants_need_no_row():
    found = {"none": Count(0), "judges": Count(6, [SETTINGS]), "limit": defined("craft.here", "LIMIT", 0.95)}
    claims = {claim.pop("id"): claim for claim in ledger_of(found)["claims"]}
    assert claims["none"]["rows"] == [] and claims["judges"]["settings"] == SETTINGS
    assert claims["limit"] == {"value": 0.95, "defined": "craft.here.LIMIT"}
    assert claims["run.seeds"] == {"value": 2, "settings": SETTINGS}


@pytest.mark.parametrize(
    ("cells", "jobs"),
    [
        ({"dataset": "skin", "method": "real"}, ["skin/real/seed0"]),
        ({"dataset": "skin", "method": "real+craft@2", "seed": 1}, ["skin/craft/seed1"]),
        (
            {"dataset": "chest", "method": "craft", "against": "lora", "seed": 0},
            ["chest/craft/seed0", "chest/lora/seed0"],
        ),
        ({"dataset": "all", "method": "lora", "seed": 0}, ["chest/lora/seed0", "skin/lora/seed0"]),
        ({"dataset": "chest", "method": "all", "seed": 0}, ["chest/lora/seed0", "chest/craft/seed0"]),
    ],
    ids=["control", "training set", "comparison", "mean", "all methods"],
)
def test_a_row_speaks_of_the_image_sets_that_its_cells_name(cells, jobs):
    assert jobs_of(cells, RUN) == jobs
