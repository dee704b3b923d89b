"""The biomarkers by modality, and the checklist items that name them."""

from pathlib import Path

import numpy as np
import pytest

from craft.core.errors import CraftError
from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.evaluation.biomarkers.registry import MODALITIES, find_biomarkers, measure_images
from craft.knowledge.schema import Knowledge

BANK = Path(__file__).parents[3] / "data/knowledge"


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_biomarker_that_a_checklist_names_is_measured_and_has_a_source(modality):
    biomarkers = find_biomarkers(modality)
    items = [item for label in Knowledge.load(BANK / f"{modality}.yaml").labels.values() for item in label.checklist]
    named = {item.biomarker.split()[1] for item in items if item.biomarker}
    assert named and named <= set(biomarkers.measures)
    assert all(measure.meaning and measure.unit and measure.source for measure in biomarkers.measures.values())


@pytest.mark.parametrize("modality", MODALITIES)
def test_opposite_statements_name_the_same_biomarker_in_opposite_directions(modality):
    items = [item for label in Knowledge.load(BANK / f"{modality}.yaml").labels.values() for item in label.checklist]
    named = {(item.present, item.absent): item.biomarker.split() for item in items if item.biomarker}
    for (present, absent), (direction, name) in named.items():
        if (absent, present) in named:
            assert named[absent, present] == ["low" if direction == "high" else "high", name], present


@pytest.mark.parametrize("modality", MODALITIES)
def test_images_are_measured_in_their_order_one_row_each(modality):
    drawing = find_modality(modality)
    images = [make_phantom(drawing, label, 64, 7, 0).image for label in drawing.labels[:2]]
    images.append(np.zeros((32, 48, 3), np.uint8))
    table, turned = (measure_images(modality, chosen) for chosen in (images, images[::-1]))
    assert list(table.columns) == find_biomarkers(modality).columns
    assert set(map(str, table.dtypes)) == {"float64"}
    np.testing.assert_array_equal(table.to_numpy(), turned.to_numpy()[::-1])
    assert table.iloc[2][list(find_biomarkers(modality).measures)].isna().all() and table.iloc[0].notna().any()


def test_no_images_make_an_empty_table():
    table = measure_images("fundus", [])
    assert len(table) == 0
    assert list(table.columns) == find_biomarkers("fundus").columns


def test_a_modality_without_biomarkers_is_named():
    with pytest.raises(CraftError, match="no biomarkers are computed for modality 'sonography', only for chest_xray"):
        measure_images("sonography", [])
