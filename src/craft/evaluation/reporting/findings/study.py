"""C7: which images do physicians choose, blinded?"""

import pandas as pd

from craft.evaluation.reader_study.results import STUDY_COLUMNS
from craft.evaluation.reporting.findings.base import Tables, estimate_of, row_of, rows_of
from craft.evaluation.reporting.traced import count_in, value_in
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

STUDY = "reader_study"


def find_study(tables: Tables, run: Run) -> dict:
    """What the readers of a study chose; nothing in it where there is no analysis of one.

    Returns:
        `compared`: for every two methods, `method` and `against`, how many `readers` there were, the share of
        `answers` that chose the method and of `pairs` that most readers decided for it, each with its interval and the
        number `n` of what it is a share of; `kappa`: Fleiss' kappa of the readers, None where one cannot be had.
    """
    study = tables.get(STUDY, pd.DataFrame(columns=list(STUDY_COLUMNS)))
    whole = rows_of(study, label=ALL, reader=ALL, dataset=ALL)
    kappa = row_of(whole, metric="fleiss_kappa")
    return {
        "compared": [describe_choice(whole, row) for _, row in rows_of(whole, metric="win_rate").iterrows()],
        "kappa": None if kappa is None or pd.isna(kappa["value"]) else value_in(kappa),
    }


def describe_choice(whole: pd.DataFrame, answers: pd.Series) -> dict:
    """What all readers chose between two methods."""
    keys = {"method": answers["method"], "against": answers["against"]}
    pairs = row_of(whole, metric="pair_win_rate", **keys)
    return keys | {
        "readers": count_in(answers, "readers"),
        "answers": choices_in(answers),
        "pairs": None if pairs is None else choices_in(pairs),
    }


def choices_in(row: pd.Series) -> dict | None:
    """A share of choices with its interval, and of how many; None where nothing was chosen."""
    return None if pd.isna(row["value"]) else estimate_of(row) | {"n": count_in(row, "n")}
