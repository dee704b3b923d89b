"""All arms of a dataset, measured on the same resamples of its test images.

The test images are the same for every arm and every seed. A resample therefore draws them once for all: differences
between arms are paired, and what the seeds share is seen as shared (`craft.evaluation.statistics.intervals`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.downstream.metrics import METRICS, measure_predictions
from craft.evaluation.downstream.results import PREDICTIONS
from craft.evaluation.results import Results
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Estimate, Sampled, sample


@dataclass(frozen=True)
class ResampledArms:
    """The arms of one dataset with one backbone.

    Attributes:
        dataset: its name.
        backbone: what classifies.
        arms: names, as `craft.evaluation.downstream.arms.Arm` gives them.
        sampled: `METRICS` of every arm, as they are and resampled, arm after arm.
        confidence: share of a distribution between low and high.
    """

    dataset: str
    backbone: str
    arms: list[str]
    sampled: Sampled
    confidence: float

    def place(self, arm: str, metric: str) -> int:
        """Column of an arm's metric in `sampled`."""
        return self.arms.index(arm) * len(METRICS) + METRICS.index(metric)

    def estimates(self) -> list[tuple[str, str, Estimate]]:
        """Arm, metric and number of all that was measured."""
        numbers = (number.within_one() for number in self.sampled.estimates(self.confidence))
        return [(arm, metric, next(numbers)) for arm in self.arms for metric in METRICS]

    def differences(self, wanted: list[tuple[str, str, str]]) -> Sampled:
        """By how much an arm's metric is larger than another arm's, for every wanted (arm, other arm, metric)."""
        own = [self.place(arm, metric) for arm, _, metric in wanted]
        others = [self.place(against, metric) for _, against, metric in wanted]
        return self.sampled.apply(lambda values: values[:, own] - values[:, others])


def resample_arms(results: Results) -> list[ResampledArms]:
    """The arms of every dataset and backbone, resampled once for all tables.

    Raises:
        CraftError: if arms were not tested on the same images.
    """
    return results.once("downstream", lambda: resample_predictions(results.read(PREDICTIONS), results.run))


def resample_predictions(predictions: pd.DataFrame, run: Run) -> list[ResampledArms]:
    """The arms of every dataset and backbone.

    Args:
        predictions: of all datasets (`craft.evaluation.downstream.results.PREDICTIONS`).
        run: labels of the datasets and bootstrap settings.

    Raises:
        CraftError: if arms were not tested on the same images with every seed.
    """
    found = []
    for (dataset, backbone), part in predictions.groupby(["dataset", "backbone"], sort=False):
        arms = list(part["method"].unique())
        tested = {key: rows.sort_values("image_id") for key, rows in part.groupby(["method", "seed"], sort=False)}
        seeds = sorted(part["seed"].unique())
        first = next(iter(tested.values()))
        shown = first["label"].to_numpy(str)
        for arm, seed in ((arm, seed) for arm in arms for seed in seeds):
            if (arm, seed) not in tested or list(tested[arm, seed]["image_id"]) != list(first["image_id"]):
                raise CraftError(
                    f"{dataset}/{PREDICTIONS.name}: the arm {arm!r} was not tested with seed {seed} on the images of"
                    f" all other arms; run `snakemake --forcerun {PREDICTIONS.rule}`"
                )
        targets = first["label"].map(run.datasets[dataset].index).to_numpy()
        chances = [[np.stack(tested[arm, seed]["probabilities"].to_list()) for arm in arms] for seed in seeds]

        def statistic(group: int, counts: np.ndarray, numbers: np.ndarray, targets=targets, chances=chances):
            return np.concatenate([measure_predictions(targets, each, counts) for each in chances[group]], axis=1)

        names = (run.scoring.comparison_resamples, "downstream", dataset)
        sampled = sample([shown] * len(seeds), statistic, *names, together=True)
        found.append(ResampledArms(dataset, backbone, arms, sampled, run.scoring.confidence))
    return found
