"""Collect the scores, predictions and audits of a run in the paper's tables."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.settings import TableSettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    results: Annotated[Path, typer.Option(help="results folder")],
    cas: Annotated[Path, typer.Option(help="table of CAS and its dimensions (written)")],
    tail: Annotated[Path, typer.Option(help="table of tail rates and thresholds (written)")],
    downstream: Annotated[Path, typer.Option(help="table of downstream classifiers (written)")],
    audit: Annotated[Path, typer.Option(help="table of checklist audits (written)")],
) -> None:
    """Collect scores, predictions and audits in the paper's tables: CAS, tails, downstream classifiers and audits."""
    from craft.core.files import write_csv
    from craft.evaluation.audit_table import audit_table
    from craft.evaluation.results import read_audits, read_predictions, read_scores
    from craft.evaluation.tables import cas_table, downstream_table, tail_table

    job = TableSettings.load(settings)
    scores, predictions = read_scores(results, job), read_predictions(results, job)
    write_csv(cas, cas_table(scores, job))
    write_csv(tail, tail_table(scores, job))
    write_csv(downstream, downstream_table(predictions, job))
    write_csv(audit, audit_table(read_audits(results, job), scores, job))


if __name__ == "__main__":
    run(main)
