"""The anatomy table: its rows and floor, and that it sees through images that only exaggerate the signs of a label."""

import numpy as np
import pandas as pd
import pytest
from anatomies import draw_phantoms, without
from fake_results import make_results

from craft.evaluation.anatomy.table import TABLE, anatomy_table
from craft.evaluation.biomarkers.registry import measure_images
from craft.evaluation.results import Results
from craft.evaluation.settings import Run, ScoringSettings
from craft.evaluation.tables import COLUMNS

LABELS = ["no_dr", "nonproliferative_dr", "proliferative_dr"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    make_results(folder)
    return folder


def value(table: pd.DataFrame, **keys) -> float:
    rows = table[
        np.logical_and.reduce([table[column] == wanted for column, wanted in ({"label": "all"} | keys).items()])
    ]
    assert len(rows) == 1
    return rows.iloc[0]["value"]


def test_every_method_has_its_shares_and_distances(run_folder):
    table = TABLE.make(Results.load(run_folder))
    assert tuple(table.columns) == COLUMNS
    assert set(table["metric"]) == {
        *("found_outline", "found_core", "found_all"),
        *("wasserstein_size", "wasserstein_count", "wasserstein"),
    }
    assert list(table["method"].unique()) == ["real", "foundation", "lora", "craft"]
    assert (table["low"] <= table["high"]).all() and table["value"].notna().all()
    assert set(table["evaluator"]) == {"biomarkers"} and table["source"].str.endswith("/biomarkers.parquet").all()
    assert set(table[table["dataset"] == "chest"]["label"]) == {"all", "normal", "effusion"}
    floor, far = (
        value(table, dataset="chest", method=method, metric="wasserstein") for method in ("real", "foundation")
    )
    assert floor < 0.5 < far
    assert value(table, dataset="chest", method="real", metric="found_all") > 0.9
    both = [value(table, dataset="chest", method="lora", metric=f"found_{name}") for name in ("outline", "core", "all")]
    assert both[2] <= min(both[:2])


def test_a_dataset_without_biomarkers_has_no_row(run_folder):
    measured = pd.read_parquet(run_folder / "chest/biomarkers.parquet")
    bare = measured[["image_id", "dataset", "method", "seed", "split", "label"]].assign(dataset="skin")
    run = Results.load(run_folder).run
    table = anatomy_table(pd.concat([measured, bare]), run, ["real", *run.methods])
    assert set(table["dataset"]) == {"chest"}
    assert anatomy_table(bare, run, ["real"]).empty


def test_a_measure_of_one_value_has_no_distance(run_folder):
    results = Results.load(run_folder)
    measured = pd.read_parquet(run_folder / "chest/biomarkers.parquet").assign(count=0.0)
    table = anatomy_table(measured, results.run, ["real", "craft"])
    assert "wasserstein_size" in set(table["metric"]) and "wasserstein_count" not in set(table["metric"])


def test_images_without_anatomy_whose_signs_are_exaggerated_are_seen_through():
    """Fundus images of blots alone, three times as many as there are: no disc, no vessel."""
    frames = []
    for method, split, seed in (("real", "train", 31), ("real", "test", 32), ("craft", "generated", 33)):
        with without(
            "fundus", *(["disc", "vessels"] if method == "craft" else []), more_lesions=3 if seed == 33 else 1
        ):
            images, labels = draw_phantoms("fundus", seed, 16)
        rows = pd.DataFrame({"label": labels}).assign(dataset="eyes", method=method, seed=0, split=split)
        frames.append(
            pd.concat([rows.assign(image_id=rows.index.astype(str)), measure_images("fundus", images)], axis=1)
        )
    run = Run(
        datasets={"eyes": LABELS},
        methods=["craft"],
        rewarded=["craft"],
        seeds=[0],
        scoring=ScoringSettings(bootstrap=100),
    )
    table = anatomy_table(pd.concat(frames), run, ["real", "craft"])
    rows = {
        method: {name: value(table, method=method, metric=name) for name in ("found_all", "wasserstein")}
        for method in ("real", "craft")
    }
    assert rows["real"]["found_all"] > 0.9 and rows["craft"]["found_all"] < 0.1
    assert rows["craft"]["wasserstein"] > 2 * rows["real"]["wasserstein"]
