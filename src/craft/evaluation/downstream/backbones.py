"""What a downstream classifier sees images with: a frozen encoder, or a network that is trained on their pixels."""

from pathlib import Path
from typing import Protocol

import numpy as np

from craft.evaluation.downstream.probe import Probe
from craft.evaluation.downstream.sets import LabelledImages, TrainingSet
from craft.evaluation.downstream.settings import ENCODER, SCRATCH, DownstreamJob


class Backbone(Protocol):
    """A kind of classifier that all arms are compared with."""

    # what its rows are called
    name: str
    # whether anything in it is drawn by the classifier's seed
    seeded: bool

    def read(self, images: Path, features: Path, split: str | None = None) -> LabelledImages:
        """The images of a table, or of one split of it, as the classifier sees them."""
        ...

    def classify(
        self, sets: list[TrainingSet], validation: LabelledImages, test: LabelledImages, epoch: int, seed: int
    ) -> np.ndarray:
        """Probabilities (n, labels) of test images after training.

        Args:
            sets: training images, and how much each set counts.
            validation: real images that are neither trained on nor tested on.
            test: the images to tell.
            epoch: number of real training images of the dataset, from which every arm's number of steps follows.
            seed: of the classifier.
        """
        ...


def make_backbone(name: str, job: DownstreamJob, device: str = "cpu") -> Backbone:
    """A backbone of the settings by name.

    Args:
        name: one of `downstream.backbones`.
        job: labels, encoder and settings of the classifiers.
        device: where networks are trained.
    """
    if name == ENCODER:
        return Probe(job.encoder.name, job.labels, job.downstream.strength)
    # its libraries take seconds to import
    from craft.evaluation.downstream.classifier import Network

    return Network(name, job.labels, job.downstream, None if name == SCRATCH else name, device)
