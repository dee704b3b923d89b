"""Every table of the paper by the name of its file, made from what the jobs of a run measured."""

from pathlib import Path

import pandas as pd

from craft.core.settings import TableSettings
from craft.evaluation.auditing.table import audit_table
from craft.evaluation.fidelity.table import fidelity_table
from craft.evaluation.memorization.table import memorization_table, read_membership, read_neighbours
from craft.evaluation.results import read_audits, read_fidelity, read_predictions, read_scores, read_validity
from craft.evaluation.statistics.agreement import agreement_table
from craft.evaluation.statistics.comparisons import comparison_table, reduction_table
from craft.evaluation.statistics.pairs import pair_scores
from craft.evaluation.tables import cas_table, downstream_table, tail_table


def collect_tables(results: Path, run: TableSettings) -> dict[str, pd.DataFrame]:
    """The tables of a run.

    Args:
        results: results folder.
        run: datasets, methods, seeds and bootstrap settings.

    Returns:
        Frames with the columns `craft.evaluation.tables.COLUMNS` and, some, more.

    Raises:
        CraftError: if a file of the run is missing or holds what it should not.
    """
    scores = read_scores(results, run)
    pairs = pair_scores(scores, run)
    return {
        "cas": cas_table(scores, run),
        "tail": tail_table(scores, run),
        "tail_reduction": reduction_table(pairs, run),
        "comparisons": comparison_table(pairs, run),
        "agreement": agreement_table(pairs, run),
        "fidelity": fidelity_table(read_fidelity(results, run), run),
        "downstream": downstream_table(read_predictions(results, run), run),
        "audit": audit_table(read_audits(results, run), scores, run),
        "memorization": memorization_table(read_neighbours(results, run), read_membership(results, run), run),
        "validity": read_validity(results, run),
    }
