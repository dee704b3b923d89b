"""Whose images lack anatomy."""

import pytest

from craft.evaluation.reporting.findings.anatomy import find_anatomy


@pytest.fixture
def tables(make_table):
    rows = [
        ("chest", "real", "found_all", 0.95, 0.9, 1.0),
        ("chest", "lora", "found_all", 0.93, 0.85, 1.0),
        ("chest", "craft", "found_all", 0.1, 0.05, 0.2),
        ("chest", "craft", "found_lungs", 1.0, 1.0, 1.0),
        ("chest", "craft", "found_ribs", 0.12, 0.05, 0.2),
        ("chest", "real", "wasserstein", 0.1, 0.08, 0.2),
        ("chest", "lora", "wasserstein", 0.15, 0.09, 0.2),
        ("chest", "craft", "wasserstein", 0.5, 0.4, 0.6),
    ]
    return {"anatomy": make_table("dataset method metric value low high", *rows, label="all")}


def test_methods_whose_images_lack_structures_are_named_with_the_rarest_one(tables, run):
    lora, craft = find_anatomy(tables, run)
    assert lora == {"method": "lora", "datasets": 1, "lacking": [], "beyond": 0}
    assert craft["lacking"] == [{"dataset": "chest", "least": "ribs", "found": 0.12, "share": 0.1, "real": 0.95}]
    assert (craft["datasets"], craft["beyond"]) == (1, 1)


def test_without_measures_there_is_nothing_to_tell(tables, run):
    assert find_anatomy({"anatomy": tables["anatomy"].iloc[:0]}, run) == []
