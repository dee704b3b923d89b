"""What a run finds for every claim and study, computed from its tables; the paper's source puts it in words."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from craft.evaluation.reporting.findings.agreement import find_agreement
from craft.evaluation.reporting.findings.alignment import find_alignment
from craft.evaluation.reporting.findings.anatomy import find_anatomy
from craft.evaluation.reporting.findings.audit import find_audit
from craft.evaluation.reporting.findings.base import Tables
from craft.evaluation.reporting.findings.classifier import find_classifier
from craft.evaluation.reporting.findings.damage import find_damage
from craft.evaluation.reporting.findings.data import find_data
from craft.evaluation.reporting.findings.decoder import find_decoder
from craft.evaluation.reporting.findings.dimensions import find_dimensions
from craft.evaluation.reporting.findings.diversity import find_diversity
from craft.evaluation.reporting.findings.downstream import find_downstream
from craft.evaluation.reporting.findings.drop_one import find_drop_one
from craft.evaluation.reporting.findings.fidelity import find_fidelity
from craft.evaluation.reporting.findings.gap import find_gap
from craft.evaluation.reporting.findings.given import find_given
from craft.evaluation.reporting.findings.headline import find_headline
from craft.evaluation.reporting.findings.judges import find_judges
from craft.evaluation.reporting.findings.label_agreement import find_label_agreement
from craft.evaluation.reporting.findings.label_swap import find_label_swap
from craft.evaluation.reporting.findings.memorization import find_memorization
from craft.evaluation.reporting.findings.no_images import find_no_images
from craft.evaluation.reporting.findings.reliability import find_reliability
from craft.evaluation.reporting.findings.same_images import find_same_images
from craft.evaluation.reporting.findings.study import find_study
from craft.evaluation.reporting.findings.tail import find_tail
from craft.evaluation.settings import Run

FINDINGS: dict[str, Callable[[Tables, Run], Any]] = {
    "data": find_data,
    "given": find_given,
    "headline": find_headline,
    "alignment": find_alignment,
    "tail": find_tail,
    "downstream": find_downstream,
    "audit": find_audit,
    "anatomy": find_anatomy,
    "memorization": find_memorization,
    "fidelity": find_fidelity,
    "agreement": find_agreement,
    "label_agreement": find_label_agreement,
    "judges": find_judges,
    "dimensions": find_dimensions,
    "reliability": find_reliability,
    "no_images": find_no_images,
    "decoder": find_decoder,
    "label_swap": find_label_swap,
    "damage": find_damage,
    "classifier": find_classifier,
    "gap": find_gap,
    "drop_one": find_drop_one,
    "same_images": find_same_images,
    "study": find_study,
}


def collect_findings(tables: Tables, kept: pd.DataFrame, run: Run) -> dict[str, Any]:
    """All findings of a run by name.

    Args:
        tables: the tables of the run by name; beside them what the data consist of, and the analysis of a reader study.
        kept: states that its reward methods kept, as `craft.evaluation.reporting.histories.read_kept_states` returns
            them.
        run: datasets and methods.

    Returns:
        Plain values, fit for JSON.
    """
    return {name: find(tables, run) for name, find in FINDINGS.items()} | {"diversity": find_diversity(kept, run)}
