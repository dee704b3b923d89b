"""The auditors by name."""

from pathlib import Path

from craft.evaluation.auditing.base import Auditor
from craft.evaluation.auditing.biomarkers import find_measurer, open_biomarkers
from craft.evaluation.auditing.mllm import MllmAuditor
from craft.evaluation.auditing.settings import AuditJob
from craft.knowledge.providers.registry import open_model
from craft.knowledge.schema import Knowledge


def open_auditors(job: AuditJob, knowledge: Knowledge, images: Path, device: str = "cpu") -> list[Auditor]:
    """The configured auditors of a dataset, ready to judge.

    Args:
        job: modality and which auditors.
        knowledge: labels and their checklists.
        images: image table of the dataset; thresholds are fitted on its calibration split, nothing else is read.
        device: where a local language model runs.
    """
    auditors: list[Auditor] = []
    for name in job.audit.auditors:
        match name:
            case "biomarkers":
                auditors.append(open_biomarkers(job.audit, knowledge, images, find_measurer(job.modality)))
            case "mllm":
                model = open_model(job.audit.model, device)
                auditors.append(MllmAuditor(knowledge, model, job.audit.images_per_method))
    return auditors
