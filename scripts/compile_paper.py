"""Compile the paper from its source and from the tables and figures of a run."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run


def main(
    results: Annotated[Path, typer.Option(help="results folder, with tables/ and figures/")],
    output: Annotated[
        Path, typer.Option(help="paper as .pdf, or as one .png a page where the name holds {p} (written)")
    ],
    notice: Annotated[str, typer.Option(help="what plays the part of real images in this run")] = "",
    paper: Annotated[Path, typer.Option(help="folder with the paper's source")] = Path("paper"),
) -> None:
    """Compile the paper; every number in it comes from the tables of the run."""
    from craft.evaluation.paper import compile_paper

    compile_paper(results, output, notice, paper)


if __name__ == "__main__":
    run(main)
