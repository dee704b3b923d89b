"""Compile the paper from its source and from the tables and figures of a run."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run


def main(
    settings_of_run: Annotated[Path, typer.Option("--run", help="settings of the job that collected the tables")],
    tables: Annotated[list[Path], typer.Option(help="a table of the run as .csv, all of them one by one")],
    output: Annotated[
        Path, typer.Option(help="paper as .pdf, or as one .png for each page where the name holds {p} (written)")
    ],
    claims: Annotated[
        Path, typer.Option(help="ledger of the numbers that the paper's sentences say, as .json (written)")
    ],
    figures: Annotated[list[Path] | None, typer.Option(help="a figure of the run as .png, one by one")] = None,
    settings: Annotated[
        list[Path] | None, typer.Option(help="settings of a training of an adapter, one by one")
    ] = None,
    histories: Annotated[
        list[Path] | None, typer.Option(help="history of a training, one by one, in the order of --settings")
    ] = None,
    counts: Annotated[
        list[Path] | None, typer.Option(help="<dataset>/counts.csv, which the preparation wrote, one by one")
    ] = None,
    study: Annotated[Path | None, typer.Option(help="analysis of a reader study as .csv, where there is one")] = None,
    notice: Annotated[str, typer.Option(help="what plays the part of real images in this run")] = "",
    paper: Annotated[Path, typer.Option(help="folder with the paper's source")] = Path("paper"),
    notebooks: Annotated[Path, typer.Option(help="folder with the notebooks that drew the figures")] = Path(
        "notebooks"
    ),
) -> None:
    """Compile the paper; every number in it comes from the tables of the run."""
    from craft.evaluation.reporting.paper import PaperFiles, compile_paper

    files = PaperFiles(
        run=settings_of_run,
        tables=tables,
        figures=figures or [],
        settings=settings or [],
        histories=histories or [],
        paper=paper,
        notebooks=notebooks,
        counts=counts or [],
        study=study,
    )
    compile_paper(files, output, notice, claims)


if __name__ == "__main__":
    run(main)
