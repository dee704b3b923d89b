"""What does the autoencoder alone cost, which every generated image comes out of?"""

from craft.core.settings import DECODED, REAL
from craft.evaluation.reporting.findings.base import Tables, evaluators_of, value_of
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL


def find_decoder(tables: Tables, run: Run) -> list[dict]:
    """Real test images sent through the autoencoder, less the same as they are, under the held-out evaluators.

    Returns:
        For each evaluator and dataset that has both: evaluator, dataset, and the differences in mean `cas` and in
        `tail` rate, a share.
    """
    return [
        {"evaluator": evaluator, "dataset": dataset, "cas": cas, "tail": tail}
        for evaluator in evaluators_of(tables, "held_out")
        for dataset in run.datasets
        if (cas := cost(tables, dataset, evaluator, "cas", "cas")) is not None
        and (tail := cost(tables, dataset, evaluator, "tail", "tail_rate")) is not None
    ]


def cost(tables: Tables, dataset: str, evaluator: str, table: str, metric: str) -> float | None:
    """A metric of decoded test images less that of the test images; None where one is missing."""
    keys = {"dataset": dataset, "evaluator": evaluator, "label": ALL, "metric": metric}
    decoded, real = (value_of(tables[table], method=method, **keys) for method in (DECODED, REAL))
    return None if decoded is None or real is None else decoded - real
