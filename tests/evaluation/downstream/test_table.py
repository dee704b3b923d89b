"""The table of the downstream classifiers, and what their predictions may hold."""

import pandas as pd
import pytest
from fake_results import BACKBONES, LABELS, METHODS, make_results

from craft.core.errors import CraftError
from craft.evaluation.downstream.metrics import METRICS
from craft.evaluation.downstream.results import PREDICTIONS
from craft.evaluation.downstream.table import TABLE
from craft.evaluation.results import Results


def test_every_arm_has_every_metric_over_all_seeds(fake_run):
    table = TABLE.make(Results(*fake_run))
    assert tuple(table.columns) == TABLE.columns
    arms = 2 * len(METHODS) + 1
    assert len(table) == len(LABELS) * len(BACKBONES) * arms * len(METRICS)
    assert tuple(table["evaluator"].unique()) == BACKBONES
    # resampling makes bins smaller, which raises a calibration error
    shares = table[table["metric"] != "calibration_error"]
    assert ((shares["low"] <= shares["value"]) & (shares["value"] <= shares["high"])).all()
    assert (table["seeds"] == 3).all() and set(table["role"]) == {"downstream"}
    assert (table["source"] == table["dataset"] + "/downstream.parquet").all()


def test_real_images_that_help_raise_the_accuracy(fake_run):
    values = TABLE.make(Results(*fake_run)).set_index(["dataset", "evaluator", "method", "metric"])["value"]
    for name in BACKBONES:
        assert values["skin", name, "real", "accuracy"] > values["skin", name, "craft", "accuracy"]


def test_labels_weigh_alike_and_natural_prevalence_stands_beside_it(tmp_path):
    make_results(tmp_path, per_label=4)
    path = tmp_path / "chest/downstream.parquet"
    frame = pd.read_parquet(path)
    known = frame["label"] == "normal"
    # of three images in four the label is known, of the others never
    chances = [[0.9, 0.1] if right else [0.8, 0.2] for right in known]
    rare = frame["image_id"].isin(frame.loc[~known, "image_id"].unique()[:3])
    frame.assign(probabilities=chances)[~rare].to_parquet(path)
    rows = TABLE.make(Results.load(tmp_path)).query("dataset == 'chest' and metric == 'accuracy'")
    assert rows["value"].to_numpy() == pytest.approx(0.5) and rows["natural"].to_numpy() == pytest.approx(0.8)


def test_arms_that_were_not_tested_on_the_same_images_are_one_sentence(tmp_path):
    make_results(tmp_path, per_label=2)
    path = tmp_path / "skin/downstream.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path)
    with pytest.raises(CraftError, match=r"skin/downstream.*: the arm 'real\+craft' was not tested with seed 2 on"):
        TABLE.make(Results.load(tmp_path))


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lambda path: path.unlink(), r"no table .*skin/downstream\.parquet"),
        (
            lambda path: pd.read_parquet(path).drop(columns="predicted").to_parquet(path),
            "the column 'predicted' is missing",
        ),
        (
            lambda path: (
                pd.read_parquet(path)
                .assign(probabilities=[[0.5, 0.2, 0.1]] * len(pd.read_parquet(path)))
                .to_parquet(path)
            ),
            "the probabilities of image .* after training on 'real', seed 0, sum to 0.8, expected 1",
        ),
    ],
)
def test_bad_predictions_are_one_sentence(tmp_path, spoil, finding):
    make_results(tmp_path, per_label=2)
    spoil(tmp_path / "skin/downstream.parquet")
    with pytest.raises(CraftError, match=finding) as error:
        Results.load(tmp_path).read(PREDICTIONS)
    assert "\n" not in str(error.value)
