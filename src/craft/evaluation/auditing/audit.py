"""The audit of a dataset: every auditor's answers on its real test images and on every method's images."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.config.base import REAL
from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images
from craft.core.settings import AuditSettings
from craft.evaluation.auditing.base import Auditor
from craft.evaluation.results import AUDIT_COLUMNS
from craft.knowledge.schema import Knowledge

log = logging.getLogger(__name__)


def audit_images(
    run: AuditSettings, auditors: list[Auditor], knowledge: Knowledge, images: Path, folder: Path
) -> pd.DataFrame:
    """Answers of all auditors.

    Args:
        run: dataset, methods and seeds.
        auditors: who judges.
        knowledge: labels and their checklists.
        images: image table of the dataset; its test split is the method `real`.
        folder: results folder of the dataset; holds `<method>/seed<seed>/images.parquet`.

    Returns:
        One row per image, item and auditor, images in the order of their tables; columns `AUDIT_COLUMNS`.

    Raises:
        CraftError: if a table is missing or an image's label has no checklist.
    """
    tables = []
    for method, seed, path, frame in image_tables(run, images, folder):
        require_checklists(frame, knowledge, path)
        for auditor in auditors:
            chosen = frame if auditor.limit is None else limit_images(frame, auditor.limit)
            pixels, labels = list(decode_images(chosen)), chosen["label"].to_list()
            answers = auditor.judge(pixels, labels)
            shared = {"dataset": run.dataset, "method": method, "seed": seed, "auditor": auditor.name}
            tables.append(tabulate(chosen, answers, knowledge).assign(**shared))
            log.info("%s, %s, seed %d: %d images judged by %s", run.dataset, method, seed, len(chosen), auditor.name)
    return pd.concat(tables, ignore_index=True)[list(AUDIT_COLUMNS)]


def image_tables(run: AuditSettings, images: Path, folder: Path) -> Iterator[tuple[str, int, Path, pd.DataFrame]]:
    """Method, seed, file and rows of every table that is audited: the real test images first."""
    for method, seed in run.runs:
        path = images if method == REAL else Path(folder) / method / f"seed{seed}" / "images.parquet"
        yield method, seed, path, read_images(path, "test" if method == REAL else None)


def require_checklists(frame: pd.DataFrame, knowledge: Knowledge, path: Path) -> None:
    """Raise a CraftError that names the first label of an image table that has no checklist."""
    if unknown := sorted(set(frame["label"]) - set(knowledge.labels)):
        raise CraftError(
            f"{path} holds images of label {unknown[0]!r}, for which there is no checklist; add the label to"
            f" data/knowledge/{knowledge.modality}.yaml or remove it from the config (there are checklists of:"
            f" {', '.join(knowledge.labels)})"
        )


def limit_images(frame: pd.DataFrame, limit: int) -> pd.DataFrame:
    """The first rows of every label, as many of each, at most `limit` in all but at least one of each."""
    each = max(1, limit // frame["label"].nunique())
    return frame[frame.groupby("label").cumcount() < each].reset_index(drop=True)


def tabulate(frame: pd.DataFrame, answers: list[list[str]], knowledge: Knowledge) -> pd.DataFrame:
    """One row an image and item, from one list of answers an image."""
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
