"""Does the classifier of phantoms recognise the intended label of more of the reward method's images?"""

from craft.evaluation.reporting.findings.alignment import compare_paired
from craft.evaluation.reporting.findings.base import Tables, evaluators_of
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.settings import Run


def find_label_agreement(tables: Tables, run: Run) -> dict | None:
    """The difference in label agreement, as `compare_paired` describes it; None without a classifier of phantoms."""
    names = evaluators_of(tables, PHANTOM_CLASSIFIER)
    return compare_paired(tables, run, names[0], "label_agreement") if names else None
