"""Tables collected from a results folder."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_results import EVALUATORS, LABELS, METHODS, make_results
from in_process import run_script

from craft.core.errors import CraftError
from craft.evaluation.results import SETTINGS, Results
from craft.evaluation.scoring.cas_table import cas_table
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES
from craft.evaluation.scoring.tail_table import tail_table
from craft.evaluation.statistics.tails import tail_threshold
from craft.evaluation.tables import COLUMNS, TABLES
from craft.reward.dimensions import DIMENSIONS

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "collect_tables.py")
KEYS = ["dataset", "label", "method", "evaluator", "metric"]


@pytest.fixture(scope="module")
def scores(fake_run):
    return Results(*fake_run).read(SCORES)


def test_cas_table_has_one_row_for_every_cell(scores, fake_run):
    table = cas_table(scores, fake_run[1])
    labels = sum(len(names) + 1 for names in LABELS.values())
    assert tuple(table.columns) == COLUMNS
    assert len(table) == labels * (len(METHODS) + 2) * (len(EVALUATORS) * (2 + len(DIMENSIONS)) + 2)
    assert not table.duplicated(KEYS).any() and table[["value", "low", "high"]].notna().all().all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_cas_cells_are_means_of_the_score_files(scores, fake_run):
    table = cas_table(scores, fake_run[1]).set_index(KEYS)
    files = [pd.read_parquet(fake_run[0] / f"skin/lora/seed{seed}/scores.parquet") for seed in (0, 1)]
    rows = pd.concat(files).query("evaluator == 'siglip_regnet' and label == 'melanoma'")
    cell = table.loc[("skin", "melanoma", "lora", "siglip_regnet", "checklist")]
    assert cell["value"] == pytest.approx(rows["checklist"].mean())
    assert (cell["n"], cell["seeds"], cell["role"]) == (len(rows), 2, "held_out")
    assert cell["source"] == "skin/lora/seed*/scores.parquet"
    agreement = table.loc[("skin", "all", "lora", PHANTOM_CLASSIFIER, "label_agreement"), "value"]
    assert agreement == pytest.approx(pd.concat(files).query("role == @PHANTOM_CLASSIFIER")["agrees"].mean())


def test_tail_table_uses_the_threshold_of_real_test_images(scores, fake_run):
    table = tail_table(scores, fake_run[1]).set_index(KEYS)
    judged = scores[(scores["dataset"] == "chest") & (scores["evaluator"] == "clip_resnet")]
    by_method = {method: rows["cas"].to_numpy(float) for method, rows in judged.groupby("method")}
    threshold = table.loc[("chest", "all", "real", "clip_resnet", "threshold"), "value"]
    assert threshold == tail_threshold(by_method["real"], 0.1, None)
    found = table.loc[("chest", "all", "foundation", "clip_resnet", "tail_rate"), "value"]
    assert found == pytest.approx((by_method["foundation"] < threshold).mean())
    assert PHANTOM_CLASSIFIER not in table.index.get_level_values("evaluator")
    assert (table.query("metric == 'threshold'").index.get_level_values("method") == "real").all()


@pytest.mark.parametrize(
    "spoil, finding",
    [
        (lambda folder: (folder / "skin/craft/seed1/scores.parquet").unlink(), r"no table .*scores.parquet"),
        (lambda folder: spoil_column(folder, "cas", np.nan), "the cas of image"),
        (lambda folder: spoil_column(folder, "plausibility", 1.5), "the plausibility of image"),
        (lambda folder: drop_column(folder, "evaluator"), "the column 'evaluator' is missing"),
    ],
)
def test_bad_scores_are_one_sentence(tmp_path, spoil, finding):
    run = make_results(tmp_path, per_label=4)
    spoil(tmp_path)
    with pytest.raises(CraftError, match=finding) as error:
        Results(tmp_path, run).read(SCORES)
    assert "\n" not in str(error.value)


def spoil_column(folder, column, value):
    path = folder / "chest/lora/seed0/scores.parquet"
    frame = pd.read_parquet(path)
    frame.loc[0, column] = value
    frame.to_parquet(path)


def drop_column(folder, column):
    path = folder / "chest/lora/seed0/scores.parquet"
    pd.read_parquet(path).drop(columns=column).to_parquet(path)


def test_missing_runs_can_be_skipped_where_a_figure_is_drawn(tmp_path):
    run = make_results(tmp_path, per_label=4)
    shutil.rmtree(tmp_path / "skin" / "craft")
    scores = Results(tmp_path, run).read(SCORES, missing="skip")
    assert set(scores.query("dataset == 'skin'")["method"]) == {"real", "decoded", "foundation", "lora"}


def test_script_writes_the_same_tables_every_time(fake_run, tmp_path):
    folder, written = fake_run[0], []
    for attempt in ("one", "two"):
        options = [str(folder / SETTINGS), "--results", str(folder), "--tables", str(tmp_path / attempt)]
        if written:
            # another process has other hashes
            subprocess.run([sys.executable, SCRIPT, *options], check=True)
        else:
            assert run_script("collect_tables", *options).returncode == 0
        written.append({path.stem: path.read_bytes() for path in sorted((tmp_path / attempt).iterdir())})
    assert written[0] == written[1]
    assert set(written[0]) == set(TABLES)


def test_every_table_has_a_title_and_the_columns_that_it_promises(fake_run, tmp_path):
    results = Results(*fake_run)
    for name, table in TABLES.items():
        assert table.title and not table.title.endswith("."), name
        assert set(table.columns) <= set(table.make(results).columns), name
