"""Checklist items that name a biomarker, judged on phantoms whose drawn attributes are known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from common import Metric

from craft.core.errors import CraftError
from craft.datasets.phantoms.signs import Predicate

SEEDS = {"calibration": 5001, "test": 5002}  # of the phantoms; the models and the default run use others
WORST, MEAN = 0.70, 0.85  # balanced accuracies to reach
# Statements of the phantoms' labels that no measure tells, and why; they name no biomarker in the knowledge bank.
DROPPED = {
    "dermoscopy": "fissures and ridges, and presence of a pigment network: at 64 px their lines look alike, and the"
    " best measure of a network's texture reached 0.72 on the phantoms it was chosen on",
    "chest_xray": "air bronchograms: no measure passed 0.64; hidden lung vessels: not measured",
}


@dataclass(frozen=True)
class Item:
    """One checklist item that names a biomarker.

    Attributes:
        present: its statement.
        facet: what it is about.
        biomarker: name of the measure.
        sign: 1 where a high value makes the statement true, -1 where a low one does.
        holds: whether it is true, from a phantom's attributes.
    """

    present: str
    facet: str
    biomarker: str
    sign: int
    holds: Predicate


def list_items(modality: str, knowledge: Path, labels: tuple[str, ...]) -> list[Item]:
    """The different items of the phantoms' labels that name a biomarker.

    Raises:
        CraftError: if the phantoms' signs do not say what makes an item's statement true.
    """
    from craft.datasets.phantoms.registry import find_modality
    from craft.knowledge.schema import Knowledge

    items, signs = {}, find_modality(modality).signs
    for label in labels:
        for item in Knowledge.load(knowledge).labels[label].checklist:
            if item.biomarker is None:
                continue
            if item.present not in signs:
                raise CraftError(
                    f"src/craft/datasets/phantoms/{modality}/signs.py does not say when {item.present!r} is true;"
                    " add it"
                )
            direction, name = item.biomarker.split()
            sign = 1 if direction == "high" else -1
            items[item.present, name] = Item(item.present, item.facet, name, sign, signs[item.present])
    return list(items.values())


@dataclass(frozen=True)
class Phantoms:
    """Phantoms of one seed: their measures, one row per phantom, and the drawn attributes in the same order."""

    measures: pd.DataFrame
    attributes: list[dict[str, Any]]

    def answers(self, item: Item) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which phantoms an item speaks of, shape (n,), and of these, the biomarker's signed value and the answer.

        Raises:
            CraftError: if the phantoms do not show the item's statement both true and false.
        """
        said = [item.holds(attributes) for attributes in self.attributes]
        kept = np.array([answer is not None for answer in said])
        holds = np.array(said, dtype=object)[kept].astype(bool)
        if holds.all() or not holds.any():
            raise CraftError(
                f"{len(said)} phantoms do not show {item.present!r} both true and false; give more with `--phantoms`"
            )
        return kept, item.sign * self.measures[item.biomarker].to_numpy()[kept], holds


def measure_phantoms(modality: str, labels: tuple[str, ...], count: int, size: int, seed: int) -> Phantoms:
    """`count` phantoms of each label, label by label, with their measures."""
    from craft.core.progress import track
    from craft.datasets.phantoms.base import make_phantom
    from craft.datasets.phantoms.registry import find_modality
    from craft.evaluation.biomarkers.registry import measure_images

    drawing = find_modality(modality)
    draws = [(label, index) for label in labels for index in range(count)]
    phantoms = [make_phantom(drawing, label, size, seed, index) for label, index in track(draws, "phantoms")]
    measures = measure_images(modality, [phantom.image for phantom in phantoms])
    return Phantoms(measures, [phantom.attributes for phantom in phantoms])


def fit_threshold(score: np.ndarray, holds: np.ndarray) -> float:
    """The threshold of the largest balanced accuracy, midway between two scores; NaN scores do not count."""
    known = np.isfinite(score)
    score, holds = score[known], holds[known]
    values = np.unique(score)
    cuts = np.concatenate([[values[0] - 1.0], (values[:-1] + values[1:]) / 2])
    above = score[None, :] > cuts[:, None]
    accuracy = above[:, holds].mean(axis=1) - above[:, ~holds].mean(axis=1)
    # of equally good thresholds the middle one
    best = np.flatnonzero(accuracy >= accuracy.max() - 1e-12)
    return float(cuts[best[len(best) // 2]])


def balanced_accuracy(score: np.ndarray, holds: np.ndarray, threshold: float) -> float:
    """Mean of sensitivity and specificity; a phantom that the biomarker cannot tell counts as a wrong answer."""
    right = np.where(holds, score > threshold, score <= threshold)  # comparisons with NaN are false
    return float((right[holds].mean() + right[~holds].mean()) / 2)


def within_label_auroc(score: np.ndarray, holds: np.ndarray, label: np.ndarray, fewest: int = 5) -> float:
    """Mean over labels of the AUROC among one label's phantoms; NaN where no label has `fewest` of both answers."""
    from sklearn.metrics import roc_auc_score

    score = np.where(np.isfinite(score), score, np.nanmedian(score))
    parts = [(holds[label == name], score[label == name]) for name in np.unique(label)]
    parts = [roc_auc_score(*part) for part in parts if min(part[0].sum(), (~part[0]).sum()) >= fewest]
    return float(np.mean(parts)) if parts else float("nan")


def metric_name(modality: str, item: Item, taken: set[str]) -> str:
    """A name that says the item's facet and biomarker, numbered where two items share both."""
    words = item.facet.replace(" ", "_").replace("-", "_")
    name = f"phantom_item_{modality}_{words}_{'high' if item.sign > 0 else 'low'}_{item.biomarker}"
    number = 1 + sum(other == name or other.startswith(f"{name}_no") for other in taken)
    return name if number == 1 else f"{name}_no{number}"


def judge_items(modality: str, knowledge: Path, count: int, size: int) -> list[Metric]:
    """Balanced accuracy of every item, their mean and the worst, thresholds from phantoms of another seed.

    Raises:
        CraftError: if the phantoms are too few to show every statement both true and false.
    """
    from craft.datasets.phantoms.registry import find_modality

    labels = find_modality(modality).labels
    items = list_items(modality, knowledge, labels)
    if not items:
        return []
    calibration, test = (measure_phantoms(modality, labels, count, size, SEEDS[name]) for name in SEEDS)
    about = (
        f"{count} phantoms of each label, {size} px; threshold from as many of another seed; phantoms between an"
        " item's two statements left out, those that the biomarker cannot tell counted as wrong"
    )
    metrics, accuracies, within_labels, names = [], [], [], np.repeat(labels, count)
    for item in items:
        threshold = fit_threshold(*calibration.answers(item)[1:])
        kept, score, holds = test.answers(item)
        accuracies.append(balanced_accuracy(score, holds, threshold))
        within_labels.append(within_label_auroc(score, holds, names[kept]))
        name = metric_name(modality, item, {metric.metric for metric in metrics})
        conditions = f"balanced accuracy of '{item.present}' on {holds.size} phantoms, {about}"
        metrics.append(Metric(name, accuracies[-1], "1", "higher", WORST, conditions))
    mean, within = float(np.mean(accuracies)), float(np.nanmean(within_labels))
    dropped = f"; dropped: {DROPPED[modality]}" if modality in DROPPED else ""
    counted = f"mean of {len(items)} checklist items; {about}{dropped}"
    alone = (
        "AUROC of each item among the phantoms of one label, mean over labels with both answers and over items: signs"
        f" of the same label, which go together, cannot stand in for each other here; {about}"
    )
    worst = f"'{items[int(np.argmin(accuracies))].present}'; {about}"
    return [
        Metric(f"phantom_balanced_accuracy_{modality}", mean, "1", "higher", MEAN, counted),
        Metric(f"phantom_worst_item_{modality}", min(accuracies), "1", "higher", WORST, worst),
        Metric(f"phantom_within_label_auroc_{modality}", within, "1", "higher", None, alone),
        *metrics,
    ]
