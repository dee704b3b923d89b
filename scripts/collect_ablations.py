"""Collect what a run measured of the variants of one method in a table."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.evaluation.ablation.settings import AblationJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    results: Annotated[Path, typer.Option(help="results folder")],
    output: Annotated[Path, typer.Option(help="the table, a CSV file (written)")],
) -> None:
    """Compare every variant with the method as it is."""
    from craft.core.files import write_csv
    from craft.evaluation.ablation.table import ablation_table
    from craft.evaluation.results import Results

    write_csv(output, ablation_table(Results(results, AblationJob.load(settings))))


if __name__ == "__main__":
    run(main)
