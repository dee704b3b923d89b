"""The auditors by name."""

from pathlib import Path

import pandas as pd

from craft.core.images import read_texts
from craft.core.settings import REAL, ImageSet
from craft.evaluation.auditing.base import Auditor
from craft.evaluation.auditing.biomarkers import BiomarkerAuditor, fit_auditor
from craft.evaluation.auditing.mllm import MllmAuditor
from craft.evaluation.auditing.settings import AuditJob, AuditSettings
from craft.evaluation.biomarkers.measure import pick_measures
from craft.knowledge.providers.registry import open_model
from craft.knowledge.schema import Knowledge


def open_auditors(
    job: AuditJob, knowledge: Knowledge, images: Path, measured: pd.DataFrame, device: str = "cpu"
) -> list[Auditor]:
    """The configured auditors of a dataset, ready to judge.

    Args:
        job: which auditors.
        knowledge: labels and their checklists.
        images: image table of the dataset; thresholds are fitted on its calibration split, nothing else is read.
        measured: biomarkers of the dataset (`craft.evaluation.biomarkers.results.MEASURED`).
        device: where a local language model runs.
    """
    auditors: list[Auditor] = []
    for name in job.audit.auditors:
        match name:
            case "biomarkers":
                auditors.append(open_biomarkers(job.audit, knowledge, images, measured))
            case "mllm":
                model = open_model(job.audit.model, device)
                auditors.append(MllmAuditor(knowledge, model, job.audit.images_per_method))
    return auditors


def open_biomarkers(
    settings: AuditSettings, knowledge: Knowledge, images: Path, measured: pd.DataFrame
) -> BiomarkerAuditor:
    """The auditor by computed biomarkers, its thresholds fitted on the calibration split of an image table."""
    frame = read_texts(images, "calibration")
    measures = pick_measures(measured, ImageSet(method=REAL, seed=0), frame["image_id"])
    return fit_auditor(settings, knowledge, frame, measures)
