"""Notebooks: stored without output, parameterised, and drawn from whatever a run has so far."""

import shutil
from pathlib import Path

import nbformat
import papermill
import pytest
from fake_results import make_results
from PIL import Image

from craft.core.files import write_csv
from craft.evaluation.ablation.settings import AblationJob
from craft.evaluation.ablation.table import ablation_table
from craft.evaluation.results import Results
from craft.evaluation.settings import FeaturesRef, Run
from craft.evaluation.tables import TABLES

NOTEBOOKS = sorted(Path(__file__).parents[1].glob("notebooks/*.ipynb"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A run that lacks one method's images in one dataset, and one of two seeds of another."""
    folder = tmp_path_factory.mktemp("run")
    make_results(folder, per_label=6)
    for name in ("cas", "cost"):
        write_csv(folder / f"tables/{name}.csv", TABLES[name].make(Results.load(folder)))
    write_csv(folder / "tables/ablation.csv", ablation_table(Results(folder, ablation_of(Results.load(folder).run))))
    shutil.rmtree(folder / "skin" / "craft")
    shutil.rmtree(folder / "chest" / "lora" / "seed1")
    return folder


def ablation_of(run: Run) -> AblationJob:
    """What two methods of a run would be as variants of a third."""
    changes = {
        "methods": ["craft", "lora", "foundation"],
        "phrases": {"lora": "no reward", "foundation": "no training"},
    }
    return AblationJob(**dict(run) | changes, features=FeaturesRef(name="siglip_regnet", role="held_out"))


def execute(notebook: Path, results: Path, folder: Path) -> Path:
    figures = folder / "figures"
    papermill.execute_notebook(
        notebook,
        folder / notebook.name,
        parameters={"results": str(results), "figures": str(figures), "notice": "Discs play the part of real images."},
        progress_bar=False,
    )
    return figures


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_output_and_has_parameters(notebook):
    stored = nbformat.read(notebook, as_version=4)
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    tagged = [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1 and all(name in tagged[0] for name in ("results", "figures", "notice"))
    assert stored.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_draws_an_unfinished_run(notebook, results, tmp_path):
    figures = execute(notebook, results, tmp_path)
    with Image.open(figures / f"{notebook.stem}.png") as picture:
        assert picture.size[0] == 1380 and picture.size[1] > 300 and picture.convert("L").getextrema()[0] < 128
    assert (figures / f"{notebook.stem}.pdf").read_bytes().startswith(b"%PDF")


def test_notebook_without_any_result_says_so(tmp_path):
    make_results(tmp_path / "run", per_label=1)
    for name in ("chest", "skin"):
        shutil.rmtree(tmp_path / "run" / name)
    figures = execute(next(path for path in NOTEBOOKS if path.stem == "finetuning_curves"), tmp_path / "run", tmp_path)
    assert (figures / "finetuning_curves.png").is_file()
