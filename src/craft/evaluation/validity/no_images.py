"""Study `no_images`: does CAS refuse what is no image of the modality, whatever label it claims?

White noise, smooth grain, blank and two-valued pixels, and test images of other modalities (calibration has seen
others of them), labelled with every label in turn, must stand below nearly all real test images. What is reported is
the share that lies below the 5 % quantile of real test images' CAS, labels weighed alike.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from craft.core.seeds import torch_generator
from craft.core.settings import REAL
from craft.evaluation.scoring.results import PLAIN_MEAN
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import bootstrap_means
from craft.evaluation.statistics.tails import tail_threshold
from craft.evaluation.validity.rows import validity_row
from craft.evaluation.validity.scores import CAS, stack
from craft.reward.damage import NO_IMAGES

# of real test images, below which what is no image shall lie
QUANTILE = 0.05
OTHER_MODALITIES = "other_modalities"
# beside CAS: the mean of the dimensions, which has no gate, and the gate
JUDGED = (CAS, PLAIN_MEAN, "plausibility")


def make_no_images(count: int, size: int, dataset: str) -> dict[str, Tensor]:
    """Kind -> images (count, 3, size, size) in [0, 1] that are none; `dataset` seeds them."""
    nothing = torch.zeros(count, 3, size, size)
    return {kind: make(nothing, torch_generator("no images", kind, dataset)) for kind, make in NO_IMAGES.items()}


def labels_in_turn(count: int, labels: int) -> Tensor:
    """Label numbers (count,), every one as often."""
    return torch.arange(count) % labels


def refuse(
    scores: dict[str, dict[str, np.ndarray]],
    real: dict[str, np.ndarray],
    labels: np.ndarray,
    scoring: ScoringSettings,
    dataset: str,
    **shared,
) -> Iterator[dict]:
    """Rows of one evaluator: the share of each kind below the quantile of real images, and of all kinds together.

    Intervals are over the images that are none; the threshold is taken as it is, and `natural` is the share below that
    of natural prevalence: where labels weigh alike, the one image of a rare label may set it.

    Args:
        scores: kind -> score name -> scores (n,) of images that are none.
        real: score name -> scores (m,) of real test images with their own labels.
        labels: of the real images, which weigh alike, shape (m,).
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    alike, natural = (find_below(scores, real, weighed) for weighed in (labels, None))
    for kind, matrix in alike.items():
        names = ("no images", dataset, kind)
        numbers = bootstrap_means([matrix], scoring.bootstrap, scoring.confidence, *names, share=True)
        for name, number, plain in zip(JUDGED, numbers, natural[kind].mean(axis=0), strict=True):
            place = {"dimension": name, "condition": kind, "level": QUANTILE, "metric": "refused"}
            number = replace(number, natural=float(plain))
            yield validity_row(number, study="no_images", method=REAL, **place, **shared)


def find_below(
    scores: dict[str, dict[str, np.ndarray]], real: dict[str, np.ndarray], labels: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Kind, and all of them -> whether each score of an image lies below the quantile of real ones, (n, `JUDGED`).

    Args:
        scores, real: see `refuse`.
        labels: of the real images, which then weigh alike; None for their natural prevalence.
    """
    limits = {name: tail_threshold(real[name], QUANTILE, labels) for name in JUDGED}
    below = {
        kind: stack({name: values[name] < limits[name] for name in JUDGED}).astype(float)
        for kind, values in scores.items()
    }
    return below | {"all": np.concatenate(list(below.values()))}
