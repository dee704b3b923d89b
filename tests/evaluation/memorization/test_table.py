"""The table of memorization, and what its intervals hold where nothing is copied."""

import numpy as np
import pandas as pd
import pytest
from fake_results import LABELS

from craft.evaluation.memorization.results import (
    MEASURES,
    MEMBERSHIP,
    MEMBERSHIP_COLUMNS,
    NEIGHBOUR_COLUMNS,
    NEIGHBOURS,
)
from craft.evaluation.memorization.table import TABLE, memorization_table
from craft.evaluation.results import Results
from craft.evaluation.settings import Run, ScoringSettings

# every table has three independent measures
TABLES, SEEDS, TEST, IMAGES = 40, (0, 1, 2), 150, 120
SPLITS = ["train", "reference", "calibration"]


def draw_neighbours(rng, dataset: str, seeds: tuple[int, ...], near: float = 0.0) -> pd.DataFrame:
    """Distances of test images, some labels more common than others, and of a method's; a share of `near` has none."""
    frames = []
    for method, seed, size in [("real", 0, TEST), *(("method", seed, IMAGES) for seed in seeds)]:
        common = [0.6, 0.4] if method == "real" else [0.5, 0.5]
        frame = pd.DataFrame({"image_id": np.arange(size).astype(str), "label": rng.choice(["a", "b"], size, p=common)})
        frame = frame.assign(dataset=dataset, method=method, seed=seed, evaluator="net", role="held_out", flagged=0.01)
        for measure in MEASURES:
            frame[f"{measure}_distance"] = rng.gamma(4, size=size) * (rng.random(size) >= near * (method != "real"))
            frame[f"{measure}_split"] = rng.choice(SPLITS, size, p=[0.6, 0.2, 0.2])
            frame[f"{measure}_ratio"], frame[f"{measure}_copied"], frame[f"{measure}_neighbour"] = 1.0, False, ""
        frames.append(frame.assign(twin=False, mirrored=False, down=0, right=0))
    return pd.concat(frames, ignore_index=True)[list(NEIGHBOUR_COLUMNS)]


def make_table(neighbours: pd.DataFrame, seeds: tuple[int, ...]) -> pd.DataFrame:
    names = neighbours["dataset"].unique()
    scoring = ScoringSettings(bootstrap=250)
    datasets = {name: [] for name in names}
    run = Run(datasets=datasets, methods=["method"], rewarded=[], seeds=list(seeds), scoring=scoring)
    return memorization_table(neighbours, pd.DataFrame(columns=list(MEMBERSHIP_COLUMNS)), run)


@pytest.fixture(scope="module", params=[SEEDS[:1], SEEDS], ids=["one seed", "three seeds"])
def null(request):
    """Tables of datasets whose generated images lie as near to seen ones as test images do."""
    rng = np.random.default_rng(7)
    parts = [draw_neighbours(rng, f"set{number}", request.param) for number in range(TABLES)]
    return make_table(pd.concat(parts, ignore_index=True), request.param)


def test_test_images_with_a_twin_set_no_threshold():
    drawn = draw_neighbours(np.random.default_rng(3), "set", (0,))
    near = drawn.index[drawn["method"] == "real"][:8]
    drawn.loc[near, [f"{measure}_distance" for measure in MEASURES]] = 1e-6

    def threshold(frame: pd.DataFrame) -> float:
        table = make_table(frame, (0,))
        return table.loc[table["metric"] == "copy_threshold", "value"].max()

    assert threshold(drawn) == pytest.approx(1e-6)
    assert threshold(drawn.assign(twin=drawn.index.isin(near))) > 0.05
    assert threshold(drawn.assign(twin=drawn["method"] == "real")) == pytest.approx(1e-6), "all have one"


def covered(table: pd.DataFrame, metric: str, truth: float, method: str = "method") -> float:
    rows = table[(table["metric"] == metric) & (table["method"] == method)]
    assert len(rows) == TABLES * len(MEASURES)
    return ((rows["low"] <= truth) & (truth <= rows["high"])).mean()


def test_where_nothing_is_copied_the_copy_rate_is_the_flagged_share(null):
    assert covered(null, "copy_rate", 0.01) >= 0.92
    rows = null[(null["metric"] == "copy_rate") & (null["method"] == "method")]
    assert (rows["low"] > 0.01).mean() <= 0.05
    assert (rows["high"] > 0).all()


def test_where_nothing_pulls_the_reference_images_are_nearest_no_oftener_than_for_test_images(null):
    assert 0.92 <= covered(null, "reference_pull", 0.0) <= 0.98


def test_at_few_images_the_threshold_is_not_bounded_from_below(null):
    rows = null[(null["metric"] == "copy_threshold")]
    assert (rows["low"] == 0).all() and (rows["rests_on"].between(1, 4)).all()


def test_copies_are_found():
    rng = np.random.default_rng(3)
    rows = make_table(draw_neighbours(rng, "set", (0,), near=0.1), (0,)).query("metric == 'copy_rate'")
    rows = rows[rows["method"] == "method"]
    assert len(rows) == len(MEASURES) and (rows["low"] > rows["flagged"]).all()


def test_images_that_are_drawn_towards_reference_images_are_found():
    frame = draw_neighbours(np.random.default_rng(3), "set", (0,))
    frame.loc[(frame["method"] == "method") & (frame.index % 5 == 0), "l2_split"] = "reference"
    rows = make_table(frame, (0,)).query("metric == 'reference_pull'").set_index("evaluator")
    assert rows.loc["l2", "low"] > 0.05 > rows.loc["ssim", "low"]


def test_a_rate_of_none_has_an_upper_end(null):
    frame = draw_neighbours(np.random.default_rng(3), "set", (0,))
    far = frame["method"] == "method"
    frame.loc[far, "l2_distance"] += 100
    row = make_table(frame, (0,)).query("metric == 'copy_rate' and evaluator == 'l2' and method == 'method'").iloc[0]
    assert row["value"] == row["low"] == 0 and 1 / IMAGES < row["high"] < 4 / IMAGES


def test_every_cell_of_the_table_has_an_interval_and_a_source(fake_run):
    results = Results(*fake_run)
    table = TABLE.make(results)
    assert tuple(table.columns) == TABLE.columns
    labels = sum(len(names) + 1 for names in LABELS.values())
    methods, measures = len(results.run.methods), len(MEASURES)
    # beside means, ratios and rates: two quantiles and two shares of methods, one of test images, and their threshold
    further = len(LABELS) * measures * (4 * methods + 4)
    assert len(table) == labels * (methods + 1) * measures * 3 + further + len(LABELS) * methods * 2
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert table["source"].str.contains(f"{NEIGHBOURS.name}|{MEMBERSHIP.name}").all()
