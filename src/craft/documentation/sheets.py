"""The contact sheets of docs/results.md: 64 images of every dataset and method, as they are, none of them selected."""

from pathlib import Path

import pandas as pd

from craft.core.files import ROOT
from craft.core.images import decode_images, read_images
from craft.core.settings import REAL
from craft.core.sheets import write_sheet
from craft.documentation.markdown import code, make_table
from craft.evaluation.results import set_file
from craft.evaluation.settings import Run

SHEETS = ROOT / "docs/pictures/sheets"
COUNT, COLUMNS = 64, 8
WIDTH = 320  # of a sheet on the page, pixels


def methods_of(run: Run) -> list[str]:
    """Whose images are shown: the controls', then the methods'."""
    return [*run.controls, *run.methods]


def sheet_of(folder: Path, dataset: str, method: str) -> Path:
    """The file of one sheet."""
    return folder / f"{dataset}-{method}.jpg"


def write_sheets(results: Path, run: Run, folder: Path = SHEETS) -> None:
    """Write the sheets of the first seed of a finished run; those of other runs are removed.

    Raises:
        CraftError: if images of a method are missing.
    """
    shown = {}
    for dataset, labels in run.datasets.items():
        for method in methods_of(run):
            path = results / set_file(dataset, method, run.seeds[0], "images.parquet")
            table = read_images(results / dataset / "images.parquet", "test") if method == REAL else read_images(path)
            shown[sheet_of(folder, dataset, method)] = decode_images(first_images(table, labels))
    for old in folder.glob("*.jpg"):
        old.unlink()
    for path, images in shown.items():
        write_sheet(path, images, COLUMNS)


def first_images(table: pd.DataFrame, labels: list[str], count: int = COUNT) -> pd.DataFrame:
    """The first rows of every label, one label after the other, `count` in all where there are enough."""
    each = {label: (count + index) // len(labels) for index, label in enumerate(labels)}
    return pd.concat([table[table["label"] == label].head(rows) for label, rows in each.items()], ignore_index=True)


def show_sheets(run: Run, folder: Path = SHEETS) -> str:
    """A table of all sheets for a page in docs/: methods down, datasets across; a sentence where there are none."""
    if not any(folder.glob("*.jpg")):
        return "No sheets were archived with this run."

    def show(dataset: str, method: str) -> str:
        path = sheet_of(folder, dataset, method)
        if not path.is_file():
            return ""
        return f'<img src="pictures/sheets/{path.name}" width="{WIDTH}" alt="{COUNT} images of {dataset}: {method}">'

    rows = [[code(method), *(show(dataset, method) for dataset in run.datasets)] for method in methods_of(run)]
    return make_table(["", *run.datasets], rows)
