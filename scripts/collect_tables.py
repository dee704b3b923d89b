"""Collect what a run measured in the paper's tables."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.evaluation.settings import Run


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    results: Annotated[Path, typer.Option(help="results folder")],
    tables: Annotated[Path, typer.Option(help="folder of the tables, one CSV file each (written)")],
) -> None:
    """Collect the paper's tables (`craft.evaluation.tables.TABLES` names them)."""
    from craft.core.files import write_csv
    from craft.evaluation.results import Results
    from craft.evaluation.tables import collect_tables

    for name, table in collect_tables(Results(results, Run.load(settings))).items():
        write_csv(tables / f"{name}.csv", table)


if __name__ == "__main__":
    run(main)
