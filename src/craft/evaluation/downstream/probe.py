"""The cheap downstream classifier: logistic regression on the features of a frozen encoder."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from craft.core.images import read_texts
from craft.evaluation.downstream.sets import LabelledImages, TrainingSet, label_indices
from craft.reward.embeddings import read_embeddings

# of the optimiser; a few dozen suffice
ITERATIONS = 2000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Probe:
    """Logistic regression on features of one common scale, with labels that weigh alike.

    Nothing in it is drawn at random: seeds differ by the synthetic images that they are paired with.

    Attributes:
        name: of the encoder, in feature files and tables.
        labels: of the dataset, in order.
        strength: inverse of the penalty on squared weights (scikit-learn's `C`).
    """

    name: str
    labels: list[str]
    strength: float
    seeded: ClassVar[bool] = False

    def read(self, images: Path, features: Path, split: str | None = None) -> LabelledImages:
        """The images of a table, or of one split of it, as their features, shape (n, width).

        Raises:
            CraftError: if a file is missing, lacks the encoder or an image, or a label is unknown.
        """
        frame = read_texts(images, split)
        ids = frame["image_id"].to_list()
        found = read_embeddings(features, self.name, ids).numpy().astype(float)
        return LabelledImages(ids, found, label_indices(frame, self.labels, images))

    def classify(
        self, sets: list[TrainingSet], validation: LabelledImages, test: LabelledImages, epoch: int, seed: int
    ) -> np.ndarray:
        """Fit to training images and tell the labels of test images.

        Validation images, the length of an epoch and the seed are for classifiers that are trained in steps.

        Returns:
            Probabilities, shape (n, labels).
        """
        inputs = np.concatenate([each.images.inputs for each in sets])
        targets = np.concatenate([each.images.labels for each in sets])
        weights = weigh_images(sets)
        mean, scale = centre_and_scale(inputs, weights)
        regression = LogisticRegression(C=self.strength, max_iter=ITERATIONS)
        regression.fit((inputs - mean) / scale, targets, sample_weight=weights)
        if regression.n_iter_.max() >= ITERATIONS:
            log.warning("logistic regression did not converge in %d iterations; lower its strength", ITERATIONS)
        probabilities = np.zeros((len(test.ids), len(self.labels)))
        probabilities[:, regression.classes_] = regression.predict_proba((test.inputs - mean) / scale)
        return probabilities


def centre_and_scale(inputs: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean (width,) of features (n, width) under weights (n,), and one deviation for all their columns.

    A deviation for every column would blow up those that hardly vary in a few images, or in synthetic ones.
    """
    mean = np.average(inputs, axis=0, weights=weights)
    return mean, float(np.sqrt(np.average((inputs - mean) ** 2, axis=0, weights=weights).mean())) or 1.0


def weigh_images(sets: list[TrainingSet]) -> np.ndarray:
    """How much every image of all sets counts, shape (n,), sum n: sets by their weight, labels of a set alike."""
    total = sum(each.weight for each in sets)
    weights = np.concatenate([each.images.weights() * each.weight / total for each in sets])
    return weights * len(weights)
