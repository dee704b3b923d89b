"""Collect the scores and predictions of a run in the paper's tables."""

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
    validity: Annotated[Path, typer.Option(help="table of the validity studies of CAS (written)")],
) -> None:
    """Collect scores, predictions and studies in the paper's tables: CAS, tails, downstream classifiers, validity."""
    from craft.core.files import write_csv
    from craft.evaluation.results import read_predictions, read_scores, read_validity
    from craft.evaluation.tables import cas_table, downstream_table, tail_table

    job = TableSettings.load(settings)
    scores, predictions = read_scores(results, job), read_predictions(results, job)
    write_csv(cas, cas_table(scores, job))
    write_csv(tail, tail_table(scores, job))
    write_csv(downstream, downstream_table(predictions, job))
    write_csv(validity, read_validity(results, job))


if __name__ == "__main__":
    run(main)
