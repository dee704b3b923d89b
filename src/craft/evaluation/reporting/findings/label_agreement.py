"""Does the classifier of phantoms recognise the intended label of more of the reward method's images?"""

from collections.abc import Iterator

from craft.core.settings import REAL
from craft.evaluation.reporting.findings.alignment import compare_paired
from craft.evaluation.reporting.findings.base import Tables, evaluators_of, our_method, row_of
from craft.evaluation.reporting.traced import value_in
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL


def find_label_agreement(tables: Tables, run: Run) -> dict | None:
    """The difference in label agreement, as `compare_paired` describes it; None without a classifier of phantoms.

    Beside it `exaggerated`: the datasets where the method's interval lies above that of real images, with the share
    `own` and that of `real` images. A label that is seen more often than in real images is exaggerated, which is no
    gain.
    """
    names = evaluators_of(tables, PHANTOM_CLASSIFIER)
    if not names:
        return None
    found = compare_paired(tables, run, names[0], "label_agreement")
    return found | {"exaggerated": list(find_exaggerated(tables, run, names[0]))}


def find_exaggerated(tables: Tables, run: Run, evaluator: str) -> Iterator[dict]:
    """Datasets where the reward method's label agreement lies above that of real images with its whole interval."""
    for dataset in run.datasets:
        keys = {"dataset": dataset, "evaluator": evaluator, "metric": "label_agreement", "label": ALL}
        own, real = (row_of(tables["cas"], method=str(method), **keys) for method in (our_method(run), REAL))
        if own is not None and real is not None and own["low"] > real["high"]:
            yield {"dataset": dataset, "own": value_in(own), "real": value_in(real)}
