"""A user's own table: collected with the others, written by the script, and printed in the paper."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from craft.core.files import write_text
from craft.core.registry import load_extensions
from craft.evaluation.reporting.paper import PaperFiles
from craft.evaluation.results import SETTINGS, Results
from craft.evaluation.settings import Run
from craft.evaluation.tables import TABLES, collect_tables
from craft.pipeline.jobs import CHECKLIST_SETTINGS

CODE = '''
"""A table that counts the scored images of every method."""

from craft.evaluation.scoring.results import SCORES
from craft.evaluation.tables import TABLES, Table, make_table

COLUMNS = ("dataset", "method", "value", "source")


def make(results):
    scores = results.read(SCORES)
    rows = [
        {"dataset": dataset, "method": method, "value": part["image_id"].nunique(), "source": "scores.parquet"}
        for (dataset, method), part in scores.groupby(["dataset", "method"], sort=False)
    ]
    return make_table(rows, COLUMNS)


TABLES.register("toy")(Table(make, "scored images of every method", (SCORES,), COLUMNS))
'''
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(small_run, extension, tmp_path_factory) -> Path:
    """A run whose settings name the user's file, with the tables that the script collects."""
    folder = shutil.copytree(small_run, tmp_path_factory.mktemp("own_run") / "results")
    run = Run.load(folder / SETTINGS)
    write_text(folder / SETTINGS, run.model_copy(update={"modules": [extension]}).to_yaml())
    return folder


@pytest.fixture(scope="module")
def tables(folder, run_job) -> Path:
    """What the script collects."""
    run_job("collect_tables", folder / SETTINGS, "--results", folder, "--tables", folder / "tables")
    return folder / "tables"


def test_the_collection_and_the_checklist_alone_depend_on_the_file(resolve, dependents):
    assert dependents(resolve()) == {SETTINGS, CHECKLIST_SETTINGS}


def test_it_is_collected_with_the_others(folder):
    collected = collect_tables(Results.load(folder))
    assert list(collected) == list(TABLES) and list(collected)[-1] == "toy"
    assert tuple(collected["toy"].columns) == TABLES["toy"].columns
    assert collected["toy"]["method"].tolist() == ["real", "decoded", "foundation", "lora", "craft"]
    assert set(collected["toy"]["value"]) == {12}


def test_the_script_writes_it_with_the_others(tables, extension):
    load_extensions([extension])
    assert {path.stem for path in tables.glob("*.csv")} == set(TABLES)
    assert pd.read_csv(tables / "toy.csv")["value"].tolist() == [12] * 5


def test_the_paper_prints_it_among_the_further_tables(tables, folder, extension, find_in_paper):
    load_extensions([extension])
    files = PaperFiles(
        run=folder / SETTINGS,
        tables=[tables / f"{name}.csv" for name in TABLES],
        paper=ROOT / "paper",
        notebooks=ROOT / "notebooks",
    )
    shown = find_in_paper("heading.where(level: 1).or(<toy>)", files)
    titles = [json.dumps(element.get("body", "")) for element in shown]
    place = next(number for number, element in enumerate(shown) if element["func"] == "figure")
    assert "Further tables" in titles[place - 1]
    printed = json.dumps(shown[place])
    assert "Scored images of every method" in printed and "12" in printed
