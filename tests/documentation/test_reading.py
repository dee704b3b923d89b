"""The reading of a run: it says what the tables say, whichever way they turn out."""

import dataclasses

import pytest

from craft.documentation import headline
from craft.documentation.archive import Archive
from craft.documentation.pages import list_blocks
from craft.documentation.reading import write_reading
from craft.evaluation.reporting.findings.base import our_method, row_of
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER


@pytest.fixture(scope="module")
def archive():
    return Archive.load()


def changed(archive: Archive, name: str, change) -> Archive:
    """The same archive with one table changed."""
    return dataclasses.replace(archive, tables=archive.tables | {name: change(archive.tables[name].copy())})


def test_a_method_that_lost_is_said_to_have_lost(archive):
    def lose(table):
        bounds = ["value", "low", "high"]
        return table.assign(**{name: -table[name].abs() for name in bounds})

    datasets = len(archive.run.datasets)
    said = write_reading(changed(archive, "comparisons", lose))
    assert f"a higher mean CAS than the strongest baseline in 0 of {datasets} datasets (paired difference -" in said
    assert "in 0 of them the difference is significant" in said
    assert f"more images of `craft` than of the strongest baseline in 0 of {datasets} datasets." in said


def test_copies_are_named_where_they_are_found(archive):
    ours = our_method(archive.run)

    def copy(table):
        chosen = (table["method"] == ours) & (table["metric"] == "copy_rate") & (table["label"] == "all")
        table.loc[table.index[chosen][0], ["value", "low", "high"]] = [0.9, 0.8, 0.95]
        return table

    assert "90.0 %)" in write_reading(changed(archive, "memorization", copy))


def test_without_a_classifier_of_phantoms_nothing_is_said_of_it(archive):
    tables = {
        name: table[~table["role"].eq(PHANTOM_CLASSIFIER)] if "role" in table else table
        for name, table in archive.tables.items()
    }
    validity = tables["validity"]
    chosen = validity["study"].ne("classifier") & validity["condition"].ne(PHANTOM_CLASSIFIER)
    real = dataclasses.replace(archive, tables=tables | {"validity": validity[chosen]})
    assert "lassifier of phantoms" not in write_reading(real)
    assert headline.write_label_agreement(real).count("\n") == 1


def test_without_a_reward_method_there_are_no_gains(archive):
    run = archive.run.model_copy(update={"rewarded": []})
    said = write_reading(dataclasses.replace(archive, facts=archive.facts.model_copy(update={"run": run})))
    assert "CAS tells an image's own label from others" in said
    assert "copies" not in said
    assert "None" not in said


def test_tables_hold_what_the_archive_holds(archive):
    first = next(iter(archive.run.datasets))
    name = archive.tables["cas"].query("role == 'held_out'")["evaluator"].iloc[0]
    keys = {"dataset": first, "label": "all", "method": our_method(archive.run), "evaluator": name, "metric": "cas"}
    row = row_of(archive.tables["cas"], **keys)
    assert f"{row['value']:.3f} ({row['low']:.3f}-{row['high']:.3f})" in headline.write_excerpt(archive)


def test_no_cell_is_left_without_a_value(archive):
    for name, write in list_blocks(archive).items():
        if name == "keys" or name.startswith("example"):
            continue
        text = write()
        assert "None" not in text, name
        assert "nan" not in text, name
        # membership is not asked of test images
        assert "n/a" not in text or name == "memorization", name
