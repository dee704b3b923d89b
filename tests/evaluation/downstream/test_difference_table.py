"""Differences between training sets: what is found where there is none, and where there is one."""

import numpy as np
import pandas as pd
import pytest
from fake_results import BACKBONES, LABELS, METHODS

from craft.evaluation.downstream.difference_table import METRICS, TABLE, difference_table
from craft.evaluation.downstream.resampled import resample_predictions
from craft.evaluation.results import Results
from craft.evaluation.settings import Run, ScoringSettings

# as many test images as the default run has, in unequal numbers
TABLES, SIZES = 100, (70, 40, 40)
ARMS = ("real", "lora", "craft", "real+lora", "real+craft")


def draw_predictions(rng, dataset: str, seeds: int, better: dict[str, float], arms=ARMS) -> pd.DataFrame:
    """Predictions of arms that are equally good, but for what `better` adds to the logit of the right label.

    Some images are hard for all, some for one arm with every seed. Several seeds of an arm also differ in all images at
    once; one seed has nothing to set that against, and its interval speaks of itself.
    """
    targets = np.repeat(np.arange(len(SIZES)), SIZES)
    count, right = len(targets), np.eye(len(SIZES))[targets]
    frames, hard = [], rng.normal(1.0, 1.0, count)
    for arm in arms:
        own, confused = rng.normal(0, 0.7, count), rng.normal(0, 0.5, right.shape)
        for seed in range(seeds):
            skill = hard + own + rng.normal(0, 0.3) * (seeds > 1) + rng.normal(0, 0.5, count) + better.get(arm, 0.0)
            chances = np.exp(right * skill[:, None] + confused)
            chances = list(chances / chances.sum(axis=1, keepdims=True))
            frame = pd.DataFrame({"image_id": [f"{row:03d}" for row in range(count)], "probabilities": chances})
            frames.append(frame.assign(label=np.array(list("abc"))[targets], method=arm, seed=seed))
    return pd.concat(frames, ignore_index=True).assign(dataset=dataset, backbone="net")


def make_table(predictions: pd.DataFrame) -> pd.DataFrame:
    run = Run(
        datasets={name: list("abc") for name in predictions["dataset"].unique()},
        methods=["lora", "craft"],
        rewarded=["craft"],
        seeds=[0],
        scoring=ScoringSettings(comparison_resamples=300),
    )
    return difference_table(resample_predictions(predictions, run), run)


@pytest.fixture(scope="module", params=[1, 3])
def null(request):
    """Tables of arms that are equally good, one a dataset."""
    rng = np.random.default_rng(11)
    return [make_table(draw_predictions(rng, f"set{number}", request.param, {}, ARMS[:3])) for number in range(TABLES)]


def test_where_arms_are_equally_good_the_intervals_of_their_differences_hold_zero(null):
    rows = pd.concat(null)
    covered = ((rows["low"] <= 0) & (rows["high"] >= 0)).groupby(rows["metric"]).mean()
    assert covered.between(0.92, 0.97).all(), covered


def test_where_arms_are_equally_good_few_families_hold_a_difference(null):
    found = pd.DataFrame([table.groupby("metric")["p_holm"].min() < 0.05 for table in null])
    assert (found.mean() <= 0.08).all(), found.mean()


@pytest.mark.parametrize("seeds", [1, 3])
def test_arms_that_are_better_or_worse_are_found(seeds):
    rng = np.random.default_rng(2)
    rows = make_table(draw_predictions(rng, "set", seeds, {"craft": -4.0, "real+lora": -4.0})).set_index(
        ["method", "against", "metric"]
    )
    for metric in METRICS:
        assert rows.loc[("craft", "real", metric), "high"] < 0 and rows.loc[("craft", "real", metric), "p_holm"] < 0.05
        assert rows.loc[("real+craft", "real+lora", metric), "low"] > 0
    assert set(rows["over"]) == {"images, this seed" if seeds == 1 else "seeds and images"}


def test_an_effect_beyond_all_resamples_has_a_p_value_that_is_a_bound():
    table = make_table(draw_predictions(np.random.default_rng(2), "set", 1, {"craft": -9.0}))
    row = table[(table["method"] == "craft") & (table["against"] == "real") & (table["metric"] == "accuracy")].iloc[0]
    assert row["at_floor"] and row["p"] == pytest.approx(1 / 301)


def test_the_order_of_rows_does_not_matter():
    rows = draw_predictions(np.random.default_rng(5), "set", 3, {})
    mixed = rows.sort_values("image_id", ascending=False, ignore_index=True)
    order = ["method", "against", "metric"]
    first, second = (make_table(each).sort_values(order, ignore_index=True) for each in (rows, mixed))
    pd.testing.assert_frame_equal(first, second)


def test_every_pair_has_every_metric_and_what_it_was_corrected_for(fake_run):
    table = TABLE.make(Results(*fake_run))
    assert tuple(table.columns) == TABLE.columns
    # every synthetic arm against real images, and each of the rewarded ones against both baselines
    pairs = 2 * len(METHODS) + 2 * (len(METHODS) - 1)
    assert len(table) == len(LABELS) * len(BACKBONES) * pairs * len(METRICS)
    assert (table["p_holm"] >= table["p"]).all() and table["p"].between(0, 1).all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
