"""The biomarkers by modality, and the checklist items that name them."""

from pathlib import Path

import pytest

from craft.core.errors import CraftError
from craft.evaluation.biomarkers.registry import find_biomarkers
from craft.knowledge.schema import Knowledge

BANK = Path(__file__).parents[3] / "data/knowledge"


@pytest.mark.parametrize("modality", ["dermoscopy", "chest_xray"])
def test_every_biomarker_that_a_checklist_names_is_measured_and_has_a_source(modality):
    biomarkers = find_biomarkers(modality)
    items = [item for label in Knowledge.load(BANK / f"{modality}.yaml").labels.values() for item in label.checklist]
    named = {item.biomarker.split()[1] for item in items if item.biomarker}
    assert named and named <= set(biomarkers.measures)
    assert all(measure.meaning and measure.unit and measure.source for measure in biomarkers.measures.values())


def test_a_modality_without_biomarkers_is_named():
    with pytest.raises(CraftError, match="no biomarkers are computed for modality 'sonography'"):
        find_biomarkers("sonography")
