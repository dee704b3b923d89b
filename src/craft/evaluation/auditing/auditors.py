"""The auditors by name."""

import logging
from functools import partial
from pathlib import Path

from craft.core.images import decode_images, read_images
from craft.evaluation.auditing.base import Auditor
from craft.evaluation.auditing.biomarkers import BiomarkerAuditor, Measurer
from craft.evaluation.auditing.mllm import MllmAuditor
from craft.evaluation.auditing.settings import AuditJob, AuditSettings
from craft.evaluation.biomarkers.registry import MODALITIES, measure_images
from craft.knowledge.providers.registry import open_model
from craft.knowledge.schema import Knowledge

log = logging.getLogger(__name__)


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


def find_measurer(modality: str) -> Measurer | None:
    """What measures images of a modality; None, and a sentence in the log, where nothing does."""
    if modality in MODALITIES:
        return partial(measure_images, modality)
    log.warning("no biomarkers are computed for modality %r, so they can tell nothing of its checklists", modality)
    return None


def open_biomarkers(
    settings: AuditSettings, knowledge: Knowledge, images: Path, measure: Measurer | None
) -> BiomarkerAuditor:
    """The auditor by computed biomarkers, its thresholds fitted on the calibration split of an image table."""
    frame = read_images(images, "calibration")
    # an image without a patient is a group of its own
    groups = frame["patient_id"].where(frame["patient_id"] != "", frame["image_id"])
    pixels, labels = list(decode_images(frame)), frame["label"].to_numpy()
    return BiomarkerAuditor.fit(settings, knowledge, measure, pixels, labels, groups.to_numpy())
