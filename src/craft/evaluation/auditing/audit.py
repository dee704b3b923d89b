"""The audit of a dataset: every auditor's answers on its real test images and on every method's images."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images
from craft.core.settings import REAL, ImageSet, match_files
from craft.evaluation.auditing.base import Auditor
from craft.evaluation.auditing.results import COLUMNS
from craft.evaluation.auditing.settings import AuditJob
from craft.evaluation.biomarkers.measure import limit_images, pick_measures
from craft.knowledge.schema import Knowledge

log = logging.getLogger(__name__)


def audit_images(
    job: AuditJob,
    auditors: list[Auditor],
    knowledge: Knowledge,
    images: Path,
    generated: list[Path],
    measured: pd.DataFrame,
) -> pd.DataFrame:
    """Answers of all auditors.

    Args:
        job: dataset, and whose generated images are audited.
        auditors: who judges.
        knowledge: labels and their checklists.
        images: image table of the dataset; its test split is the method `real`.
        generated: image tables of the generated images, in the order of `job.generated`.
        measured: biomarkers of the dataset (`craft.evaluation.biomarkers.results.MEASURED`).

    Returns:
        One row per image, item and auditor, images in the order of their tables, with the columns
        `craft.evaluation.auditing.results.COLUMNS`.

    Raises:
        CraftError: if a table is missing, there is not one for every image set, an image's label has no checklist, or
            it was not measured.
    """
    tables = []
    for image_set, path, frame in image_tables(job, images, generated):
        require_checklists(frame, knowledge, path)
        place = {"dataset": job.dataset, "method": image_set.method, "seed": image_set.seed}
        for auditor in auditors:
            chosen = frame if auditor.limit is None else limit_images(frame, auditor.limit)
            if auditor.sees == "measures":
                shown = pick_measures(measured, image_set, chosen["image_id"])
            else:
                shown = list(decode_images(chosen))
            answers = auditor.judge(shown, chosen["label"].to_list())
            tables.append(tabulate(chosen, answers, knowledge).assign(**place, auditor=auditor.name))
            log.info("%s, %s, seed %d: %d images judged by %s", *place.values(), len(chosen), auditor.name)
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def image_tables(job: AuditJob, images: Path, generated: list[Path]) -> Iterator[tuple[ImageSet, Path, pd.DataFrame]]:
    """Whose images, file and rows of every table that is audited: the real test images first."""
    files = match_files(job.generated, generated, "--generated")
    yield ImageSet(method=REAL, seed=0), images, read_images(images, "test")
    for image_set, path in files:
        yield image_set, path, read_images(path)


def require_checklists(frame: pd.DataFrame, knowledge: Knowledge, path: Path) -> None:
    """Raise a CraftError that names the first label of an image table that has no checklist."""
    if unknown := sorted(set(frame["label"]) - set(knowledge.labels)):
        raise CraftError(
            f"{path} holds images of label {unknown[0]!r}, for which there is no checklist; add the label to"
            f" data/knowledge/{knowledge.modality}.yaml or remove it from the config (there are checklists of:"
            f" {', '.join(knowledge.labels)})"
        )


def tabulate(frame: pd.DataFrame, answers: list[list[str]], knowledge: Knowledge) -> pd.DataFrame:
    """One row per image and item, from one list of answers per image."""
    items = [knowledge.labels[label].checklist for label in frame["label"]]
    repeats = [len(checklist) for checklist in items]
    listed = [item for checklist in items for item in checklist]
    return pd.DataFrame(
        {
            "image_id": np.repeat(frame["image_id"].to_numpy(), repeats),
            "label": np.repeat(frame["label"].to_numpy(), repeats),
            "item": [item.present for item in listed],
            "facet": [item.facet for item in listed],
            "weight": [item.weight for item in listed],
            "answer": [answer for row in answers for answer in row],
        }
    )
