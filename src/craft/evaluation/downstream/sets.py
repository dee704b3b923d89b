"""Labelled images as a classifier is given them: which of them a training uses, and how much a set of them counts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.seeds import numpy_generator


@dataclass(frozen=True)
class LabelledImages:
    """Images as a classifier sees them.

    Attributes:
        ids: image ids, n of them.
        inputs: what the classifier sees of them, array or tensor of shape (n, ...): features, or pixels.
        labels: index of every image's label, int64 array of shape (n,).
    """

    ids: list[str]
    inputs: Any
    labels: np.ndarray

    def pick(self, rows: np.ndarray) -> "LabelledImages":
        """The images of these rows."""
        return LabelledImages([self.ids[row] for row in rows], self.inputs[rows], self.labels[rows])

    def limit(self, per_label: int | None, seed: int) -> "LabelledImages":
        """At most `per_label` images of every label, drawn by seed."""
        if per_label is None:
            return self
        order = numpy_generator("classifier images", seed).permutation(len(self.ids))
        ranked = [order[self.labels[order] == label] for label in np.unique(self.labels)]
        return self.pick(np.sort(np.concatenate([rows[:per_label] for rows in ranked])))

    def weights(self) -> np.ndarray:
        """How much every image counts, shape (n,), sum 1: images of one label alike, and all labels alike."""
        weights = 1.0 / np.bincount(self.labels)[self.labels]
        return weights / weights.sum()

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Indices of `count` images, drawn with replacement so that every label is equally likely; shape (count,)."""
        return rng.choice(len(self.ids), size=count, p=self.weights())


@dataclass(frozen=True)
class TrainingSet:
    """Training images and their weight beside other sets."""

    images: LabelledImages
    weight: float = 1.0


def label_indices(frame: pd.DataFrame, labels: list[str], path: Path) -> np.ndarray:
    """Index of every row's label, shape (n,).

    Raises:
        CraftError: if a row has a label that is not in `labels`.
    """
    if unknown := set(frame["label"]) - set(labels):
        raise CraftError(
            f"{path} holds the label {sorted(unknown)[0]!r}, which is not among the configured labels"
            f" ({', '.join(labels)}); run `snakemake {path} --force`"
        )
    return frame["label"].map(labels.index).to_numpy()
