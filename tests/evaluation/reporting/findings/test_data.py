"""What the data consist of, and what they leak."""

from craft.evaluation.reporting.findings.data import find_data

COLUMNS = "dataset label split images patients twins_elsewhere"


def test_images_patients_and_twins_of_test_images_are_counted(make_table, run):
    counts = make_table(
        COLUMNS,
        ("chest", "normal", "train", 10, 8, 3),
        ("chest", "normal", "test", 4, 4, 1),
        ("chest", "effusion", "test", 2, 1, 1),
        ("skin", "naevus", "test", 5, None, 0),
    )
    unnamed = run.model_copy(update={"unnamed_patients": ["skin"]})
    assert find_data({"counts": counts}, unnamed) == [
        {"dataset": "chest", "images": 16, "patients": 13, "test": 6, "twins": 2},
        {"dataset": "skin", "images": 5, "patients": None, "test": 5, "twins": 0},
    ]


def test_without_counts_nothing_is_said(run):
    assert find_data({}, run) == []
