"""The table of costs: trainings with all that they start from, images, and the gain beside them."""

import pytest
from fake_results import METHODS, make_results

from craft.evaluation.cost.gain import gain_by_compute
from craft.evaluation.cost.table import COLUMNS, TABLE
from craft.evaluation.results import Results, set_file
from craft.evaluation.tables import TABLES, collect_tables


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A run whose method `craft` is trained, and a further method whose images are chosen from its."""
    folder = tmp_path_factory.mktemp("run")
    run = make_results(folder, methods=[*METHODS, "best"], per_label=6)
    run = run.model_copy(update={"trainings": {"craft": ["craft"], "best": ["craft"]}})
    return Results(folder, run)


@pytest.fixture(scope="module")
def cells(results):
    table = TABLE.make(results.limited_to(TABLE.reads))
    assert tuple(table.columns) == COLUMNS and not table.duplicated(["dataset", "method", "stage", "metric"]).any()
    return table.set_index(["dataset", "method", "stage", "metric"]).sort_index()


def test_a_training_costs_what_its_last_step_says_with_its_checks_and_its_largest_memory(cells):
    training = cells.loc[("skin", "craft", "own_training")]
    assert training.loc["unet_evaluations", "value"] == 4000 and training.loc["cpu_seconds", "value"] == 80
    assert training.loc["peak_memory_mb", "value"] == 540 and training.loc["unet_evaluations", "seeds"] == 2
    assert training.loc["unet_evaluations", "source"] == set_file("skin", "craft", "*", "history.parquet")


def test_what_starts_from_a_training_pays_for_it(cells):
    assert ("skin", "best", "own_training", "unet_evaluations") not in cells.index
    assert cells.loc[("skin", "best", "training", "unet_evaluations"), "value"] == 4000
    assert cells.loc[("skin", "best", "whole", "unet_evaluations"), "value"] == 4000 + 18 * 10
    assert cells.loc[("skin", "best", "whole", "peak_memory_mb"), "value"] == 540


def test_a_method_that_trains_nothing_costs_its_images(cells):
    assert set(cells.loc[("skin", "foundation")].index.get_level_values("stage")) == {"images", "whole"}
    assert cells.loc[("skin", "foundation", "images", "unet_evaluations_per_image"), "value"] == 10
    assert "gpu_seconds" not in cells.index.get_level_values("metric"), "there was no GPU"


def test_a_gain_is_counted_from_the_first_method_that_trains_nothing(results, cells):
    cas = TABLES["cas"].make(results)
    found = gain_by_compute(cas, cells.reset_index(), results.run).set_index(["dataset", "method"])
    assert found.loc[("skin", "foundation"), "gain"] == 0 and found.loc[("skin", "craft"), "gain"] > 0.1
    assert found.loc[("skin", "craft"), "unet_evaluations"] == 4000 + 180
    assert (found["low"] <= found["gain"]).all() and (found["gain"] <= found["high"]).all()


def test_it_is_one_of_the_tables_of_every_run(results):
    assert set(collect_tables(results)) >= {"cost", "cas"}
