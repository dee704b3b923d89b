"""Thresholds on biomarkers, fitted on calibration images: which side of a value means that a sign is present."""

import numpy as np
from sklearn.metrics import balanced_accuracy_score, roc_curve
from sklearn.model_selection import StratifiedGroupKFold

from craft.core.seeds import derive_seed
from craft.knowledge.schema import ChecklistItem, Knowledge

LOW, HIGH = "low", "high"


def split_biomarker(biomarker: str) -> tuple[str, str]:
    """Direction (`low` or `high`) and measure of a checklist item's biomarker.

    >>> split_biomarker("high asymmetry")
    ('high', 'asymmetry')
    """
    direction, measure = biomarker.split()
    return direction, measure


def says_opposite(item: ChecklistItem, other: ChecklistItem) -> bool:
    """Whether one item states what the other denies, in words or by the opposite direction of the same measure."""
    if item.present == other.absent or item.absent == other.present:
        return True
    if not item.biomarker or not other.biomarker:
        return False
    (direction, measure), (other_direction, other_measure) = map(split_biomarker, (item.biomarker, other.biomarker))
    return measure == other_measure and direction != other_direction


def says_same(item: ChecklistItem, other: ChecklistItem) -> bool:
    """Whether two items state the same sign, in words or by the same biomarker."""
    return item.present == other.present or (item.biomarker is not None and item.biomarker == other.biomarker)


def contrasting_labels(knowledge: Knowledge, label: str, item: ChecklistItem) -> list[str]:
    """Labels whose images are taken to lack a sign of `label`.

    These are the labels whose checklist states the opposite; where there is none, all that do not state the same.
    """
    others = {name: known.checklist for name, known in knowledge.labels.items() if name != label}
    opposite = [name for name, items in others.items() if any(says_opposite(item, other) for other in items)]
    silent = [name for name, items in others.items() if not any(says_same(item, other) for other in items)]
    return opposite or silent


def fit_threshold(values: np.ndarray, present: np.ndarray) -> float:
    """The value above which a sign is present, by Youden's J = sensitivity + specificity - 1 (Youden 1950).

    It lies midway between two neighbouring values; it is infinite where no value separates better than chance.

    Args:
        values: finite measures, shape (n,), larger where the sign is present.
        present: whether the sign is present, boolean array of shape (n,) that holds both.
    """
    false_alarms, hits, cuts = roc_curve(present, values, drop_intermediate=False)
    best = int(np.argmax(hits - false_alarms))
    # the first cut is infinite and the last one calls everything present: neither separates anything
    return float("inf") if best == 0 else float((cuts[best] + cuts[best + 1]) / 2)


def validate_threshold(
    values: np.ndarray, present: np.ndarray, groups: np.ndarray, folds: int, *names: str | int
) -> float:
    """Balanced accuracy of thresholds on the images that they were not fitted on, in [0, 1].

    Args:
        values: as for `fit_threshold`.
        present: as for `fit_threshold`.
        groups: patient of every image, shape (n,); a patient is never on both sides of a fold.
        folds: number of folds; fewer where either side has fewer patients.
        names: what is judged; seeds the folds.

    Raises:
        ValueError: if either side has fewer than two patients.
    """
    folds = min(folds, *(len(np.unique(groups[present == side])) for side in (True, False)))
    cut = StratifiedGroupKFold(folds, shuffle=True, random_state=derive_seed("audit folds", *names) % 2**32)
    judged = np.zeros(len(values), dtype=bool)
    for fitted, left_out in cut.split(values, present, groups):
        if present[fitted].all() or not present[fitted].any():
            continue
        judged[left_out] = values[left_out] > fit_threshold(values[fitted], present[fitted])
    return float(balanced_accuracy_score(present, judged))
