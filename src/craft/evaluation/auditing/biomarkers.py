"""The auditor that measures: computed biomarkers against thresholds of calibration images, without a learned model."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from craft.evaluation.auditing.base import CRITERIA_COLUMNS, NO, UNKNOWN, YES
from craft.evaluation.auditing.settings import AuditSettings
from craft.evaluation.auditing.thresholds import (
    HIGH,
    contrasting_labels,
    fit_threshold,
    split_biomarker,
    validate_threshold,
)
from craft.knowledge.schema import ChecklistItem, Knowledge

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ItemRule:
    """How one item is told from a measure, or why it cannot be.

    Attributes:
        measure: name of the measure; None where the item cannot be told.
        sign: 1 if the sign is present where the measure is high, -1 where it is low.
        threshold: in the unit of the measure.
        accuracy: balanced accuracy on left-out calibration images, in [0, 1].
        images: calibration images with the sign and without it.
        reason: why the item cannot be told; empty where it can.
    """

    measure: str | None = None
    sign: int = 1
    threshold: float = float("nan")
    accuracy: float = float("nan")
    images: tuple[int, int] = (0, 0)
    reason: str = ""

    def answer(self, values: dict[str, float]) -> str:
        """The answer for an image's measures."""
        value = float("nan") if self.reason else values[self.measure]
        if np.isnan(value):
            return UNKNOWN
        return YES if self.sign * value > self.sign * self.threshold else NO


class BiomarkerAuditor:
    """Judges an item by whether its biomarker lies beyond a threshold of the calibration images.

    Args:
        knowledge: labels and their checklists.
        rules: label -> one rule for every item of its checklist.
        limit: how many images per method and seed it judges at most; None for all of them.
    """

    name, sees = "biomarkers", "measures"

    def __init__(self, knowledge: Knowledge, rules: dict[str, list[ItemRule]], limit: int | None = None):
        self.knowledge, self.rules, self.limit = knowledge, rules, limit

    @classmethod
    def fit(
        cls,
        settings: AuditSettings,
        knowledge: Knowledge,
        measures: pd.DataFrame,
        labels: Sequence[str],
        groups: Sequence[str],
    ) -> "BiomarkerAuditor":
        """Fit the thresholds of all items.

        Args:
            settings: floor, folds and limit.
            knowledge: labels and their checklists.
            measures: of calibration images, one row per image; without a column where nothing is measured.
            labels: their labels.
            groups: their patients.
        """
        known = AuditCalibration(measures, np.asarray(labels), np.asarray(groups), knowledge, settings)
        rules = {name: [known.fit(name, item) for item in part.checklist] for name, part in knowledge.labels.items()}
        auditor = cls(knowledge, rules, settings.measured_per_method)
        auditor.log_rules()
        return auditor

    def log_rules(self) -> None:
        """Say which items and labels cannot be told, and why."""
        for label, rules in self.rules.items():
            items = self.knowledge.labels[label].checklist
            for item, rule in zip(items, rules, strict=True):
                if rule.reason and item.biomarker:
                    log.info("%s: %r cannot be told: %s", label, item.present, rule.reason)
            told = sum(not rule.reason for rule in rules)
            if told:
                log.info("%s: %d of %d items are told by biomarkers", label, told, len(items))
            else:
                log.warning("%s: no item of its checklist can be told by biomarkers", label)

    def judge(self, images: pd.DataFrame, labels: Sequence[str]) -> list[list[str]]:
        """See `craft.evaluation.auditing.base.Auditor`; `images` are measures, one row per image."""
        return [
            [rule.answer(values) for rule in self.rules[label]]
            for label, values in zip(labels, images.to_dict("records"), strict=True)
        ]

    def describe(self) -> pd.DataFrame:
        """See `craft.evaluation.auditing.base.Auditor`."""
        rows = [
            (
                self.name,
                label,
                item.present,
                item.facet,
                item.biomarker,
                rule.threshold,
                rule.accuracy,
                *rule.images,
                rule.reason,
            )
            for label, rules in self.rules.items()
            for item, rule in zip(self.knowledge.labels[label].checklist, rules, strict=True)
        ]
        return pd.DataFrame(rows, columns=list(CRITERIA_COLUMNS))


@dataclass(frozen=True)
class AuditCalibration:
    """Measured calibration images, from which the rules are fitted.

    Attributes:
        measures: one row per image, one column per measure.
        labels: label of every image, shape (n,).
        groups: patient of every image, shape (n,).
        knowledge: labels and their checklists.
        settings: floor, folds and limit.
    """

    measures: pd.DataFrame
    labels: np.ndarray
    groups: np.ndarray
    knowledge: Knowledge
    settings: AuditSettings

    def fit(self, label: str, item: ChecklistItem) -> ItemRule:
        """The rule of one item of a label, with the reason where it cannot be told."""
        if not item.biomarker:
            return ItemRule(reason="it has no biomarker")
        direction, measure = split_biomarker(item.biomarker)
        if measure not in self.measures:
            return ItemRule(reason=f"no measure {measure!r} is computed for {self.knowledge.modality}")
        contrast = contrasting_labels(self.knowledge, label, item)
        if not contrast:
            return ItemRule(reason="every label states the same sign")
        sign = 1 if direction == HIGH else -1
        values = sign * self.measures[measure].to_numpy(float)
        used = np.isfinite(values) & np.isin(self.labels, [label, *contrast])
        return self.cut(
            measure, sign, values[used], self.labels[used] == label, self.groups[used], (label, item.present)
        )

    def cut(
        self,
        measure: str,
        sign: int,
        values: np.ndarray,
        present: np.ndarray,
        groups: np.ndarray,
        names: tuple[str, str],
    ) -> ItemRule:
        """The rule of signed measures, where calibration images support one."""
        images = (int(present.sum()), int((~present).sum()))
        patients = [len(np.unique(groups[present == side])) for side in (True, False)]
        if min(patients) < 2:
            reason = f"only {patients[0]} patients with the sign and {patients[1]} without it could be measured"
            return ItemRule(images=images, reason=reason)
        accuracy = validate_threshold(values, present, groups, self.settings.folds, *names)
        threshold = sign * fit_threshold(values, present)
        reason = ""
        if np.isinf(threshold):
            reason = "no value of its biomarker separates calibration images in the stated direction"
        elif accuracy < self.settings.floor:
            reason = f"balanced accuracy {accuracy:.2f} on calibration images is below {self.settings.floor:.2f}"
        return ItemRule(measure, sign, threshold, accuracy, images, reason)


def fit_auditor(
    settings: AuditSettings, knowledge: Knowledge, calibration: pd.DataFrame, measures: pd.DataFrame
) -> BiomarkerAuditor:
    """The auditor by computed biomarkers, its thresholds fitted on calibration images.

    Args:
        settings: floor, folds and limit.
        knowledge: labels and their checklists.
        calibration: rows of an image table.
        measures: of its images, one row per image; without a column where nothing is measured.
    """
    # an image without a patient is a group of its own
    groups = calibration["patient_id"].where(calibration["patient_id"] != "", calibration["image_id"])
    return BiomarkerAuditor.fit(settings, knowledge, measures, calibration["label"].to_numpy(), groups.to_numpy())
