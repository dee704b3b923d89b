"""The table of downstream differences: what synthetic images change, and what a reward changes about them."""

import pandas as pd

from craft.evaluation.comparison.columns import DIFFERENCE_COLUMNS
from craft.evaluation.downstream.arms import list_pairs
from craft.evaluation.downstream.resampled import ResampledArms, resample_arms
from craft.evaluation.downstream.results import PREDICTIONS
from craft.evaluation.results import Results
from craft.evaluation.settings import Run
from craft.evaluation.statistics.significance import correct_for_number
from craft.evaluation.tables import ALL, Table, table_row

# a calibration error is raised by resampling, so that its difference would be one of resamples
METRICS = ("accuracy", "macro_f1", "macro_auroc")


def difference_table(resampled: list[ResampledArms], run: Run) -> pd.DataFrame:
    """Every arm with synthetic images minus real images alone, and of a reward method minus the same arm without.

    A difference is `method` minus `against`, on the same resamples of test images. Holm's correction runs over a
    family: all comparisons of one metric with one backbone, over all datasets.

    Args:
        resampled: arms of every dataset and backbone.
        run: methods of the run, and which of them are reward methods.

    Returns:
        A frame with the columns `DIFFERENCE_COLUMNS`; `at_floor` says that `p` and `p_holm` are bounds.
    """
    rows = [row for each in resampled for row in difference_rows(each, run)]
    return correct_for_number(pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS)))


def difference_rows(each: ResampledArms, run: Run) -> list[dict]:
    """Rows of one dataset and backbone, not yet corrected for their number."""
    shared = {"dataset": each.dataset, "label": ALL, "evaluator": each.backbone, "role": "downstream"}
    shared |= {"source": f"{each.dataset}/{PREDICTIONS.name}"}
    pairs = list_pairs(each.arms, run.methods, run.rewarded)
    wanted = [(arm, against, metric) for arm, against in pairs for metric in METRICS]
    differences = each.differences(wanted)
    numbers, tests = differences.estimates(each.confidence), zip(*differences.p_values(), strict=True)
    return [
        table_row(number, method=arm, metric=metric, **shared) | {"against": against, "p": p, "at_floor": at_floor}
        for (arm, against, metric), number, (p, at_floor) in zip(wanted, numbers, tests, strict=True)
    ]


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return difference_table(resample_arms(results), results.run)


TABLE = Table(
    make,
    "paired differences between training sets of the classifiers, with corrected p-values",
    (PREDICTIONS,),
    DIFFERENCE_COLUMNS,
)
