"""The registry of figures: what notebooks say about themselves."""

import json
from pathlib import Path

import pytest

from craft.core.errors import CraftError
from craft.evaluation.reporting.notebooks import list_figures

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


def write_notebook(folder: Path, name: str, **metadata) -> None:
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [], "metadata": metadata}))


def test_figures_stand_in_the_order_that_their_notebooks_give(tmp_path):
    write_notebook(tmp_path, "later", craft={"order": 20, "caption": "Second.", "reads": []})
    write_notebook(tmp_path, "zebra", craft={"order": 10, "caption": "First.", "reads": ["{dataset}/images.parquet"]})
    first, second = list_figures(tmp_path)
    assert (first.name, first.caption, first.reads) == ("zebra", "First.", ("{dataset}/images.parquet",))
    assert second.name == "later"


def test_every_notebook_of_the_repository_is_a_figure():
    assert {figure.name for figure in list_figures(NOTEBOOKS)} == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


def test_a_figure_is_told_in_the_words_of_its_notebook():
    for figure in list_figures(NOTEBOOKS):
        assert len(figure.text) > 100 and "#" not in figure.text


def test_files_that_figures_read_have_known_wildcards():
    values = {"dataset": "d", "method": "m", "trained": "t", "seed": 0}
    for figure in list_figures(NOTEBOOKS):
        assert figure.reads and all("{" not in pattern.format(**values) for pattern in figure.reads)


@pytest.mark.parametrize(
    "metadata, message",
    [
        ({}, "does not describe its figure: add"),
        ({"craft": {"order": 1, "reads": []}}, "caption"),
        ({"craft": {"order": 1, "caption": "A.", "reads": [], "title": "B"}}, "title"),
    ],
    ids=["nothing", "no caption", "unknown key"],
)
def test_a_notebook_without_the_right_metadata_is_named(metadata, message, tmp_path):
    write_notebook(tmp_path, "broken", **metadata)
    with pytest.raises(CraftError, match=rf"broken\.ipynb.*{message}"):
        list_figures(tmp_path)
