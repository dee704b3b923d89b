"""A user's own figure: a notebook that says where it stands, is executed on a run, and is printed in the paper."""

import json
import shutil
from pathlib import Path

import nbformat
import papermill
import pytest
from PIL import Image

from craft.core.errors import CraftError
from craft.core.files import write_csv
from craft.evaluation.reporting.notebooks import list_figures
from craft.evaluation.reporting.paper import PaperFiles
from craft.evaluation.results import SETTINGS, Results
from craft.evaluation.tables import TABLES, collect_tables

ROOT = Path(__file__).parents[2]
PARAMETERS = 'results = "results"\nfigures = "results/figures"\nnotice = ""'
DRAWING = """
import matplotlib.pyplot as plt

from craft.evaluation.reporting.figures import save_figure, set_theme
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES

set_theme()
scores = Results.load(results).read(SCORES)
figure, axes = plt.subplots(figsize=(3, 1))
scores.groupby("method")["cas"].mean().plot.barh(ax=axes)
save_figure(figure, figures, "toy", notice)
"""
CRAFT = {"order": 15, "caption": "Toy of #run.seeds seed.", "reads": ["{dataset}/{method}/seed{seed}/scores.parquet"]}


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory) -> Path:
    """A folder of the toy and of two notebooks of the repository."""
    folder = tmp_path_factory.mktemp("notebooks")
    for name in ("cas_distributions", "qualitative_grid"):
        shutil.copy(ROOT / f"notebooks/{name}.ipynb", folder)
    cells = [
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(DRAWING),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"craft": CRAFT, "kernelspec": kernel}), folder / "toy.ipynb"
    )
    return folder


def test_it_is_listed_where_it_says_that_it_stands(notebooks):
    figures = list_figures(notebooks)
    assert [figure.name for figure in figures] == ["cas_distributions", "toy", "qualitative_grid"]
    assert figures[1].caption == CRAFT["caption"] and list(figures[1].reads) == CRAFT["reads"]


def test_a_notebook_that_does_not_say_so_is_one_sentence(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "silent.ipynb")
    with pytest.raises(CraftError, match=r"silent\.ipynb does not describe its figure: add to its metadata"):
        list_figures(tmp_path)


def test_it_is_executed_on_a_run_and_printed_in_the_paper(notebooks, small_run, find_in_paper, tmp_path):
    given = {"results": str(small_run), "figures": str(tmp_path / "figures"), "notice": "Discs are no patients."}
    papermill.execute_notebook(notebooks / "toy.ipynb", tmp_path / "toy.ipynb", parameters=given, progress_bar=False)
    with Image.open(tmp_path / "figures/toy.png") as picture:
        assert picture.size[0] == 600 and picture.convert("L").getextrema()[0] < 128
    for name, table in collect_tables(Results.load(small_run)).items():
        write_csv(tmp_path / f"tables/{name}.csv", table)
    files = PaperFiles(
        run=small_run / SETTINGS,
        tables=[tmp_path / f"tables/{name}.csv" for name in TABLES],
        figures=[tmp_path / "figures/toy.png"],
        paper=ROOT / "paper",
        notebooks=notebooks,
    )
    (shown,) = find_in_paper("figure.where(kind: image)", files)
    assert shown["label"] == "<figure-toy>" and "figures/toy.png" in json.dumps(shown["body"])
    assert "Toy of" in json.dumps(shown["caption"])
