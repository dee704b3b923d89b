"""The table of what every method costs: UNet evaluations, time and memory of its training and of its images."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from craft.core.costs import MEMORY, SPENT
from craft.evaluation.cost.results import HISTORY, SAMPLING
from craft.evaluation.results import ResultFile, Results, set_file
from craft.evaluation.tables import Table

COLUMNS = ("dataset", "method", "stage", "metric", "value", "low", "high", "seeds", "source")
# the training of the method itself; with those of what it starts from; its images; all of it
OWN, TRAINING, IMAGES, WHOLE = "own_training", "training", "images", "whole"
PER_IMAGE = "unet_evaluations_per_image"


def cost_table(results: Results) -> pd.DataFrame:
    """What every sampled method took, for every dataset, as a mean over seeds with the least and the most of them.

    Stages: `own_training`, the method's own, whatever it prepares and its guard's checks included; `training`, with the
    trainings of all that it starts from; `images`, the sampling of the run's images, of which `best_of_n` makes many
    for each; `whole`, the last two. Times add up, memory is the largest. One evaluation is an image's forward pass
    through the UNet, its backward pass counts as two. A training that was interrupted counts what its checkpoints hold.

    Args:
        results: with the files `HISTORY` and `SAMPLING`.

    Returns:
        A frame with the columns `COLUMNS`; time on a GPU only where there was one.
    """
    rows = [
        row
        for dataset in results.run.datasets
        for method in results.run.methods
        if method not in results.run.given
        for row in method_rows(results, dataset, method)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def method_rows(results: Results, dataset: str, method: str) -> Iterator[dict]:
    """The rows of one method on one dataset."""
    trained, seeds = results.run.trainings.get(method, []), results.run.seeds
    training = [add_up([spent_on_training(results, dataset, each, seed) for each in trained]) for seed in seeds]
    images = [spent_on_images(results, dataset, method, seed) for seed in seeds]
    stages: dict[str, list[dict[str, float]]] = {}
    if trained[:1] == [method]:
        stages[OWN] = [spent_on_training(results, dataset, method, seed) for seed in seeds]
    if trained:
        stages[TRAINING] = training
    stages[IMAGES] = images
    stages[WHOLE] = [add_up([before, after]) for before, after in zip(training, images, strict=True)]
    histories = [set_file(dataset, each, "*", HISTORY.name) for each in trained]
    sampled = set_file(dataset, method, "*", SAMPLING.name)
    sources = {OWN: histories[:1], TRAINING: histories, IMAGES: [sampled], WHOLE: [*histories, sampled]}
    for stage, found in stages.items():
        for metric in found[0]:
            values = np.array([spent[metric] for spent in found])
            if metric == "gpu_seconds" and not values.any():
                continue
            low, high = (values.min(), values.max()) if len(values) > 1 else (np.nan, np.nan)
            # a tenth of a second, of an evaluation or of a megabyte tells nothing more
            numbers = {"value": values.mean().round(1), "low": np.round(low, 1), "high": np.round(high, 1)}
            place = {"dataset": dataset, "method": method, "stage": stage, "metric": metric}
            yield place | numbers | {"seeds": len(values), "source": "; ".join(sources[stage])}


def spent_on_training(results: Results, dataset: str, method: str, seed: int) -> dict[str, float]:
    """What one training took."""
    history = once(results, HISTORY, dataset, method, seed)
    last = history.sort_values("step").iloc[-1]
    return {name: float(last[name]) for name in SPENT} | {MEMORY: float(history[MEMORY].max())}


def spent_on_images(results: Results, dataset: str, method: str, seed: int) -> dict[str, float]:
    """What sampling one set of images took, and the evaluations behind one of them."""
    row = once(results, SAMPLING, dataset, method, seed).iloc[0]
    spent = {name: float(row[name]) for name in (*SPENT, MEMORY)}
    return spent | {PER_IMAGE: spent["unet_evaluations"] / row["images"]}


def once(results: Results, file: ResultFile, dataset: str, method: str, seed: int) -> pd.DataFrame:
    """A file of one image set, read once."""
    path = results.folder / set_file(dataset, method, seed, file.name)
    return results.once((file.name, str(path)), partial(file.load, path))


def add_up(parts: list[dict[str, float]]) -> dict[str, float]:
    """Sums of evaluations and times, and the largest memory; all 0 without parts."""
    total = {name: sum(part[name] for part in parts) for name in SPENT}
    return total | {MEMORY: max((part[MEMORY] for part in parts), default=0.0)}


TABLE = Table(
    cost_table,
    "UNet evaluations, seconds and peak memory of every method's training and images, the guard's checks included",
    (HISTORY, SAMPLING),
    COLUMNS,
)
