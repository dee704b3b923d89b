"""Collect what a run measured in the paper's tables."""

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
    reduction: Annotated[Path, typer.Option(help="table of the tail against the strongest baseline (written)")],
    comparisons: Annotated[Path, typer.Option(help="table of paired comparisons between methods (written)")],
    agreement: Annotated[Path, typer.Option(help="table of rank agreement between evaluators (written)")],
    fidelity: Annotated[Path, typer.Option(help="table of fidelity and diversity (written)")],
    downstream: Annotated[Path, typer.Option(help="table of downstream classifiers (written)")],
) -> None:
    """Collect the paper's tables: CAS, tails, comparisons, agreement, fidelity and downstream classifiers."""
    from craft.core.files import write_csv
    from craft.evaluation.agreement import agreement_table
    from craft.evaluation.comparisons import comparison_table, reduction_table
    from craft.evaluation.fidelity_table import fidelity_table
    from craft.evaluation.pairs import pair_scores
    from craft.evaluation.results import read_fidelity, read_predictions, read_scores
    from craft.evaluation.tables import cas_table, downstream_table, tail_table

    job = TableSettings.load(settings)
    scores, predictions = read_scores(results, job), read_predictions(results, job)
    write_csv(cas, cas_table(scores, job))
    write_csv(tail, tail_table(scores, job))
    pairs = pair_scores(scores, job)
    write_csv(reduction, reduction_table(pairs, job))
    write_csv(comparisons, comparison_table(pairs, job))
    write_csv(agreement, agreement_table(pairs, job))
    write_csv(fidelity, fidelity_table(read_fidelity(results, job), job))
    write_csv(downstream, downstream_table(predictions, job))


if __name__ == "__main__":
    run(main)
