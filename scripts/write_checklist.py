"""Fill in the reporting checklist from what was run."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.evaluation.checklist.settings import ChecklistJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    results: Annotated[Path, typer.Option(help="results folder")],
    output: Annotated[Path, typer.Option(help="checklist, a Markdown file (written)")],
) -> None:
    """Answer every item of the checklist that settings and tables of the run answer, and say which they do not."""
    from craft.core.files import write_text
    from craft.core.origin import describe_machine, read_commit, read_versions
    from craft.evaluation.checklist.facts import Facts
    from craft.evaluation.checklist.write import write_checklist

    facts = Facts.load(ChecklistJob.load(settings), results, read_commit(), describe_machine(), read_versions())
    write_text(output, write_checklist(facts))


if __name__ == "__main__":
    run(main)
