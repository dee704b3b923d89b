"""What is true of which image, item by item: of phantoms by what was drawn, of real images by computed biomarkers."""

import json
import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.images import decode_each, read_images
from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.registry import MODALITIES, find_modality
from craft.evaluation.auditing import base
from craft.evaluation.auditing.biomarkers import BiomarkerAuditor, ItemRule, fit_auditor
from craft.evaluation.auditing.settings import SignsJob
from craft.evaluation.biomarkers.registry import MODALITIES as MEASURED
from craft.evaluation.biomarkers.registry import measure_images
from craft.knowledge.schema import Knowledge
from craft.training.signs import NO, UNKNOWN, YES, tabulate_signs

# evaluators are trained on the first and measured on the second
SPLITS = ("train", "test")
SAID = {True: YES, False: NO, None: UNKNOWN}
ANSWERS = {base.YES: YES, base.NO: NO, base.UNKNOWN: UNKNOWN}

# uint8 images (h, w, 3) -> one row per image, one column per measure
Measurer = Callable[[Iterable[np.ndarray]], pd.DataFrame]

log = logging.getLogger(__name__)


def find_signs(job: SignsJob, knowledge: Knowledge, images: Path, measure: Measurer | None = None) -> pd.DataFrame:
    """Answers to the items of all labels, of every image that trains or tests an evaluator.

    An item of another label may be true or false of an image as well.

    Args:
        job: modality, and how many real images are measured.
        knowledge: labels and their checklists.
        images: image table of the dataset; thresholds of biomarkers are fitted on its calibration split.
        measure: measures images of the modality; by default what measures the job's modality.

    Returns:
        One row per image and different `present` statement, columns `craft.training.signs.COLUMNS`.

    Raises:
        CraftError: if the image table is missing or a split is empty, or the attributes are not those of phantoms.
    """
    items = list(dict.fromkeys(item.present for item in knowledge.items()))
    frame = pd.concat([read_images(images, split) for split in SPLITS], ignore_index=True)
    answers = np.full((len(frame), len(items)), UNKNOWN, dtype=object)
    drawn = (frame["attributes"] != "").to_numpy() & (job.modality in MODALITIES)
    if drawn.any():
        answers[drawn] = answer_drawn(frame[drawn], find_modality(job.modality), items)
    real = np.flatnonzero(~drawn)
    if len(real):
        if job.signs.measured_per_label:
            rank = frame.iloc[real].groupby(["split", "label"]).cumcount().to_numpy()
            real = real[rank < job.signs.measured_per_label]
        measure = measure or find_measurer(job.modality)
        calibration = read_images(images, "calibration")
        auditor = fit_auditor(job.audit, knowledge, calibration, measure(decode_each(calibration)))
        answers[real] = answer_measured(frame.iloc[real], auditor, items, measure)
    counts = ", ".join(f"{(answers == answer).mean():.0%} {answer}" for answer in SAID.values())
    log.info("%s: %d images, of which %d were measured; answers: %s", job.dataset, len(frame), len(real), counts)
    return tabulate_signs(frame["image_id"], items, answers)


def answer_drawn(frame: pd.DataFrame, modality: Modality, items: list[str]) -> np.ndarray:
    """Answers of the drawn attributes of phantoms, shape (n, items); unknown for items that no phantom's signs hold.

    Raises:
        CraftError: if an image lacks an attribute.
    """
    rows = []
    for image, attributes in zip(frame["image_id"], map(json.loads, frame["attributes"]), strict=True):
        try:
            said = [modality.signs[item](attributes) if item in modality.signs else None for item in items]
        except KeyError as error:
            raise CraftError(
                f"the image {image} has the column `attributes` but no attribute {error}, which phantoms of"
                f" {modality.name} have; let the dataset's reader leave `attributes` empty for real images"
            ) from error
        rows.append([SAID[answer] for answer in said])
    return np.array(rows, dtype=object)


def find_measurer(modality: str) -> Measurer:
    """What measures images of a modality: nothing, and a sentence in the log, where it has no biomarkers."""
    if modality in MEASURED:
        return partial(measure_images, modality)
    log.warning("no biomarkers are computed for modality %r, so they can tell nothing of its checklists", modality)
    return lambda images: pd.DataFrame(index=range(sum(1 for _ in images)))


def answer_measured(frame: pd.DataFrame, auditor: BiomarkerAuditor, items: list[str], measure: Measurer) -> np.ndarray:
    """Answers of computed biomarkers, shape (n, items)."""
    rules = {label: [choose_rule(auditor, label, item) for item in items] for label in frame["label"].unique()}
    if all(rule.reason for chosen in rules.values() for rule in chosen):
        return np.full((len(frame), len(items)), UNKNOWN, dtype=object)
    measured = measure(decode_each(frame)).to_dict("records")
    pairs = zip(frame["label"], measured, strict=True)
    return np.array([[ANSWERS[rule.answer(values)] for rule in rules[label]] for label, values in pairs], dtype=object)


def choose_rule(auditor: BiomarkerAuditor, label: str, item: str) -> ItemRule:
    """How an item is told of images of a label: by the rule of that label, else by the first label whose rule can."""
    checklists = auditor.knowledge.labels
    order = sorted(checklists, key=lambda name: name != label)
    found = [
        rule
        for name in order
        for each, rule in zip(checklists[name].checklist, auditor.rules[name], strict=True)
        if each.present == item
    ]
    return next((rule for rule in found if not rule.reason), found[0])
