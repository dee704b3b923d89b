"""The table of CAS and its dimensions."""

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, PLAIN_MEAN, SCORES, scores_source
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import bootstrap_means
from craft.evaluation.tables import Table, label_groups, labels_by_seed, make_table, table_row
from craft.reward.dimensions import DIMENSIONS


def cas_table(scores: pd.DataFrame, run: Run) -> pd.DataFrame:
    """CAS, its dimensions and their plain mean, without a gate, for every dataset, label, method and evaluator.

    The rows of the classifier of phantoms hold its probability of the intended label (`cas`) and how often that label
    is its most probable one (`label_agreement`).

    Args:
        scores: columns of `SCORES`.
        run: datasets, and how numbers are resampled.

    Returns:
        A frame with the columns `COLUMNS`.

    Raises:
        CraftError: if evaluators of a run scored different numbers of images.
    """
    rows = []
    for (dataset, method), part in scores.groupby(["dataset", "method"], sort=False):
        for label, group in label_groups(part, run.datasets[dataset]):
            evaluators = [
                (name, role, rated) for (name, role), rated in group.groupby(["evaluator", "role"], sort=False)
            ]
            if len({len(rated) for _, _, rated in evaluators}) > 1:
                raise CraftError(
                    f"{scores_source(dataset, method)}: evaluators scored different numbers of images;"
                    " run `snakemake --forcerun score_images`"
                )
            # all evaluators' scores form one matrix, so that they share their resamples
            columns = [(name, role, metric) for name, role, _ in evaluators for metric in metrics_of(role)]
            blocks = [score_matrix(rated, role) for _, role, rated in evaluators]
            seeds = [np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]
            shown = labels_by_seed(evaluators[0][2])
            names, scoring = (dataset, method, label), run.scoring
            estimates = bootstrap_means(seeds, scoring.bootstrap, scoring.confidence, *names, labels=shown)
            rows += [
                table_row(
                    number,
                    dataset=dataset,
                    label=label,
                    method=method,
                    evaluator=name,
                    role=role,
                    metric=metric,
                    source=scores_source(dataset, method),
                )
                for (name, role, metric), number in zip(columns, estimates, strict=True)
            ]
    return make_table(rows)


def metrics_of(role: str) -> tuple[str, ...]:
    """Metrics that the CAS table holds for an evaluator of a role."""
    return ("cas", "label_agreement") if role == PHANTOM_CLASSIFIER else ("cas", *DIMENSIONS, PLAIN_MEAN)


def score_matrix(frame: pd.DataFrame, role: str) -> list[np.ndarray]:
    """Scores of one evaluator, one array of shape (images, metrics of its role) per seed."""
    if role == PHANTOM_CLASSIFIER:
        frame = frame.assign(label_agreement=frame["agrees"].astype(bool))
    return [group[list(metrics_of(role))].to_numpy(float) for _, group in frame.groupby("seed")]


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return cas_table(results.read(SCORES), results.run)


TABLE = Table(
    make,
    "CAS, its dimensions and their plain mean, by evaluator; label agreement where there is a classifier of phantoms",
    (SCORES,),
)
