"""Thresholds on measures: where they lie, what they are worth, and whose images they are fitted on."""

import numpy as np
import pytest
from greys import STATEMENTS, make_item, make_knowledge

from craft.evaluation.auditing.thresholds import contrasting_labels, fit_threshold, validate_threshold

NOISE = ("the noise of the image is strong", "the noise of the image is weak")


def test_threshold_lies_midway_between_separated_sides():
    values = np.array([1.0, 2.0, 3.0, 7.0, 8.0])
    assert fit_threshold(values, values > 5) == 5.0


def test_threshold_recovers_a_planted_separation():
    rng = np.random.default_rng(0)
    present = rng.random(2000) < 0.3
    values = rng.normal(np.where(present, 3.0, 0.0), 1.0)
    assert fit_threshold(values, present) == pytest.approx(1.5, abs=0.3)
    assert validate_threshold(values, present, np.arange(2000), 5) == pytest.approx(0.933, abs=0.02)


def test_nothing_is_present_where_the_measure_points_the_other_way():
    values = np.arange(20.0)
    assert fit_threshold(values, values < 10) == np.inf


def test_accuracy_of_noise_is_that_of_chance():
    rng = np.random.default_rng(1)
    found = [
        validate_threshold(rng.normal(size=60), np.arange(60) < 30, np.arange(60), 5, number) for number in range(40)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.04)


def test_patients_are_never_on_both_sides_of_a_fold():
    # a patient's images share a value, which tells nothing of other patients
    rng = np.random.default_rng(2)
    patients = np.repeat(np.arange(40), 10)
    values, present = rng.normal(size=40)[patients], patients % 2 == 0
    assert validate_threshold(values, present, patients, 5) < 0.7


def test_contrast_is_the_labels_that_state_the_opposite():
    knowledge = make_knowledge(
        bright=[make_item(*STATEMENTS, "high level"), make_item(*NOISE, "high noise")],
        dark=[make_item(*STATEMENTS[::-1], None)],
        dim=[make_item("the middle has a low level of light", "the middle has much light", "low level")],
        loud=[make_item(*NOISE, "high noise")],
    )
    level, noise = knowledge.labels["bright"].checklist[:2]
    assert contrasting_labels(knowledge, "bright", level) == ["dark", "dim"]
    assert contrasting_labels(knowledge, "bright", noise) == ["dark", "dim"], "loud states the same"


def test_a_sign_that_every_label_states_has_no_contrast():
    knowledge = make_knowledge(one=[make_item(*NOISE, "high noise")], two=[make_item(*NOISE, "high noise")])
    assert contrasting_labels(knowledge, "one", knowledge.labels["one"].checklist[0]) == []
