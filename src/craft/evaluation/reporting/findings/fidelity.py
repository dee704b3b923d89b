"""How near are the reward method's images to test images on image features, and how much of them do they cover?"""

from typing import Literal

from craft.evaluation.reporting.findings.base import Tables, our_method, spread, strongest_baseline, value_of
from craft.evaluation.reporting.traced import Value, tally
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL


def find_fidelity(tables: Tables, run: Run) -> list[dict]:
    """FID and recall against the strongest baseline by either; empty without a reward method.

    Returns:
        For every evaluator whose features were measured: evaluator, number of datasets, in how many the FID is
        lower and higher, in how many the recall is not higher, and the range of its difference.
    """
    names = tables["fidelity"]["evaluator"].unique() if our_method(run) else []
    return [near(tables, run, name) for name in names]


def near(tables: Tables, run: Run, evaluator: str) -> dict:
    """What is found on the features of one evaluator."""
    fid = differences(tables, run, evaluator, "fid", "lowest")
    recall = differences(tables, run, evaluator, "recall", "highest")
    return {
        "evaluator": evaluator,
        "datasets": tally(fid),
        "lower_fid": tally(fid, [difference < 0 for difference in fid]),
        "higher_fid": tally(fid, [difference > 0 for difference in fid]),
        "recall_not_higher": tally(recall, [difference <= 0 for difference in recall]),
        "recall": spread(recall),
    }


def differences(
    tables: Tables, run: Run, evaluator: str, metric: str, best: Literal["highest", "lowest"]
) -> list[Value]:
    """The reward method minus the strongest baseline, one number for every dataset that has both."""
    found = []
    for dataset in run.datasets:
        keys = {"dataset": dataset, "evaluator": evaluator, "metric": metric}
        own = value_of(tables["fidelity"], label=ALL, method=our_method(run), **keys)
        against = strongest_baseline(tables["fidelity"], run, best, **keys)
        if own is not None and against is not None:
            found.append(own - value_of(tables["fidelity"], label=ALL, method=against, **keys))
    return found
