"""The proxy gap: percentiles of real images, a change counted from its minimum, and how often nothing opens by luck."""

import numpy as np
import pandas as pd
import pytest

from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.ranks import percentiles
from craft.evaluation.validity.gap import Course, Opening, follow_gap, link, rises
from craft.evaluation.validity.rows import tabulate_studies

STEPS, LABELS = list(range(0, 70, 10)), np.resize(["a", "b", "c"], 40)
SCORING = ScoringSettings(bootstrap=300)
FLAT = np.zeros(len(STEPS))


def make_course(rng, rise=FLAT, count=40, steps=None, closeness=0.7) -> Course:
    """Images whose gap follows `rise` beside noise that is correlated over the checks."""
    steps = steps or STEPS
    noise = rng.normal(size=(count, len(steps)))
    for place in range(1, len(steps)):
        noise[:, place] = closeness * noise[:, place - 1] + np.sqrt(1 - closeness**2) * noise[:, place]
    proxy = 0.5 + 0.2 * rng.normal(size=(count, 1)) + 0.12 * noise + rise[: len(steps)]
    judge = 0.5 + 0.2 * rng.normal(size=(count, 1)) + 0.05 * rng.normal(size=(count, len(steps)))
    return Course(steps, np.resize(["a", "b", "c"], count), proxy, judge)


def follow(*courses):
    rows = follow_gap(courses, SCORING, "skin", "craft", "judge", evaluator="a", role="reward")
    return tabulate_studies(rows, "skin").set_index("metric")


@pytest.mark.parametrize(("seeds", "closeness"), [(1, 0.0), (1, 0.7), (1, 0.95), (3, 0.7)])
def test_a_gap_that_never_changes_opens_as_often_as_the_confidence_leaves_open(seeds, closeness):
    rng, tables = np.random.default_rng(seeds), 300
    opened = [
        Opening.find([make_course(rng, closeness=closeness) for _ in range(seeds)], SCORING, "null", str(table)).told
        for table in range(tables)
    ]
    # 8 % is 2.4 standard errors above 5 %
    assert 0.02 <= np.isfinite(opened).mean() <= 0.08


def test_a_gap_that_closes_and_reopens_is_found_where_it_reopens():
    rng, fall = np.random.default_rng(0), np.array([0.0, -0.05, -0.10, -0.10, -0.04, 0.02, 0.0])
    found = [Opening.find([make_course(rng, fall)], SCORING, "power", str(table)) for table in range(100)]
    told = [each for each in found if np.isfinite(each.told)]
    assert len(told) >= 80
    assert np.mean([each.least in (20.0, 30.0) for each in told]) > 0.8
    assert {each.told for each in told} <= {30.0, 40.0, 50.0, 60.0}


def test_the_change_is_counted_from_the_least_gap_so_far_and_told_with_its_steps():
    rng, rise = np.random.default_rng(1), np.array([0.2, 0.1, 0.0, 0.05, 0.3, 0.4, 0.4])
    table = follow(make_course(rng, rise))
    change = table.loc["gap_change"].set_index("level")["value"]
    gap = table.loc["gap"].set_index("level")["value"]
    assert change.to_numpy() == pytest.approx((gap - gap.cummin()).to_numpy())
    assert table.loc["opens_from", "value"] == 20.0 and table.loc["opens_at", "value"] == 40.0
    reopening = table.loc["reopening"]
    assert reopening["value"] == change.max() and reopening["low"] > 0
    assert reopening["value"] - reopening["low"] == pytest.approx(change[40.0] - table.loc["gap_change"]["low"].iloc[4])


def test_a_gap_that_only_falls_never_opens():
    table = follow(make_course(np.random.default_rng(2), -np.linspace(0, 0.5, len(STEPS))))
    assert table.loc[["opens_from", "opens_at"], ["value", "low", "high"]].isna().all(axis=None)
    assert table.loc["reopening", "low"] <= 0


def test_a_seed_that_ended_early_leaves_the_mean_course_without_a_jump():
    rng = np.random.default_rng(3)
    long, short = make_course(rng, FLAT + 0.3), make_course(rng, FLAT, steps=STEPS[:3])
    table = follow(long, short)
    gaps = table.loc["gap"].set_index("level")
    assert gaps.loc[0.0, ["n", "seeds"]].tolist() == [80, 2] and gaps.loc[60.0, ["n", "seeds"]].tolist() == [40, 1]
    assert gaps.loc[30.0, "value"] - gaps.loc[20.0, "value"] > 0.1, "the mean of other seeds is another mean"
    assert np.isnan(table.loc["opens_at", "value"])
    means = [course.gap.mean(axis=0)[None] for course in (long, short)]
    linked = link(STEPS, [long, short], means)[0]
    assert np.diff(linked)[2:] == pytest.approx(np.diff(means[0][0])[2:])


def test_of_one_image_nothing_is_told():
    opening = Opening.find([make_course(np.random.default_rng(4), FLAT + STEPS, count=1)], SCORING, "one")
    assert opening.critical == float("inf") and np.isnan(opening.told)


def test_rises_are_those_from_the_least_value_so_far():
    assert rises(np.array([[1.0, 0.5, 0.7, 0.2, 0.6]]))[0] == pytest.approx([0, 0, 0.2, 0, 0.4])


def test_checks_are_taken_by_step():
    frame = pd.DataFrame({"step": [0, 0, 10, 10], "number": [0, 1, 0, 1], "label": ["a", "b"] * 2, "image": "x"})
    course = Course.of(frame, np.arange(4.0), np.zeros(4))
    assert course.steps == [0, 10] and course.labels.tolist() == ["a", "b"]
    assert course.gap.tolist() == [[0.0, 2.0], [1.0, 3.0]]


def test_percentiles_weigh_labels_alike_and_share_ties():
    real, labels = np.array([0.1, 0.1, 0.1, 0.9]), np.array(["a", "a", "a", "b"])
    assert percentiles(np.array([0.0, 0.1, 0.5, 0.9, 1.0]), real, labels) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    # whatever the scale of a judge, real images stand at one half in the mean
    own = np.random.default_rng(5).random(30) ** 4
    assert percentiles(own, own, np.full(30, "a")).mean() == pytest.approx(0.5)
