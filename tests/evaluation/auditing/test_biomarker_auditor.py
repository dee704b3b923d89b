"""The auditor that measures: what it answers, what it drops and why."""

import logging

import numpy as np
import pytest
from greys import BRIGHT, DARK, STATEMENTS, draw_images, make_item, make_knowledge, measure, two_labels

from craft.evaluation.auditing.base import NO, UNKNOWN, YES
from craft.evaluation.auditing.biomarkers import BiomarkerAuditor
from craft.evaluation.auditing.settings import AuditSettings

LABELS = [BRIGHT, DARK] * 20


def fit(knowledge=None, labels=LABELS, levels=None, known=True, **settings) -> BiomarkerAuditor:
    measures = measure(draw_images(labels, levels or {BRIGHT: 180, DARK: 60}))
    measures = measures if known else measures[[]]
    groups = np.arange(len(labels))
    return BiomarkerAuditor.fit(AuditSettings(**settings), knowledge or two_labels(), measures, labels, groups)


def test_answers_follow_the_planted_separation_in_the_stated_direction():
    pale, deep = np.full((16, 16, 3), 200, np.uint8), np.full((16, 16, 3), 30, np.uint8)
    answers = fit().judge(measure([pale, deep, pale, deep]), [BRIGHT, BRIGHT, DARK, DARK])
    assert [row[0] for row in answers] == [YES, NO, NO, YES]
    assert [len(row) for row in answers] == [3, 3, 3, 3]


def test_a_separation_against_the_stated_direction_is_not_used():
    auditor = fit(levels={BRIGHT: 60, DARK: 180})
    assert {rule.reason != "" for rules in auditor.rules.values() for rule in rules} == {True}
    row = auditor.describe().query("item == @STATEMENTS[0]").iloc[0]
    assert "in the stated direction" in row["reason"]


def test_an_item_below_the_floor_is_dropped_with_its_accuracy(caplog):
    with caplog.at_level(logging.INFO):
        auditor = fit(levels={BRIGHT: 136, DARK: 120}, floor=0.98)
    row = auditor.describe().query("item == @STATEMENTS[0]").iloc[0]
    assert 0.6 < row["accuracy"] < 0.98 and (row["present_images"], row["absent_images"]) == (20, 20)
    assert row["reason"] == f"balanced accuracy {row['accuracy']:.2f} on calibration images is below 0.98"
    assert f"{STATEMENTS[0]!r} cannot be told: {row['reason']}" in caplog.text
    assert all(
        answer == UNKNOWN for answer in auditor.judge(measure(draw_images([BRIGHT], {BRIGHT: 250})), [BRIGHT])[0]
    )


def test_what_cannot_be_measured_cannot_be_told():
    black = np.zeros((16, 16, 3), np.uint8)
    assert fit().judge(measure([black]), [BRIGHT])[0][0] == UNKNOWN


def test_items_without_a_usable_biomarker_say_why():
    knowledge = make_knowledge(
        bright=[make_item(*STATEMENTS, "high level"), make_item("a veil is on it", "no veil is on it", "high veil")],
        dark=[make_item(*STATEMENTS[::-1], "low level")],
    )
    reasons = fit(knowledge).describe().query("label == 'bright'")["reason"].to_list()
    assert reasons == ["", "no measure 'veil' is computed for grey", "it has no biomarker"]


def test_too_few_calibration_images_are_a_reason():
    auditor = fit(labels=[BRIGHT] * 10 + [DARK])
    assert "only 10 patients with the sign and 1 without it" in auditor.rules[BRIGHT][0].reason


@pytest.mark.parametrize("known", [True, False], ids=["no item with a biomarker", "no biomarkers of the modality"])
def test_a_label_of_which_nothing_can_be_computed_is_one_sentence_in_the_log(known, caplog):
    items = [make_item(*STATEMENTS, None)]
    auditor = fit(make_knowledge(bright=items, dark=items), known=known)
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        f"{label}: no item of its checklist can be told by biomarkers" for label in (BRIGHT, DARK)
    ]
    assert auditor.judge(measure(draw_images([DARK], {DARK: 50})), [DARK]) == [[UNKNOWN] * 3]
