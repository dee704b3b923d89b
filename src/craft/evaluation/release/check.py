"""Whether a freshly trained foundation is good enough to be released: what it loses, and what its samples lack.

A foundation is compared with *decoded* images, unseen phantoms sent through its autoencoder: all that its samples could
be. It can be released where decoded phantoms cover the phantoms, and where its samples show the anatomy of their
modality and lie near decoded phantoms. What decoding costs in label accuracy is told beside it.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from craft.core.images import from_tensor
from craft.core.seeds import numpy_generator, torch_generator
from craft.evaluation.biomarkers.registry import measure_images
from craft.evaluation.biomarkers.results import found_columns
from craft.evaluation.fidelity.metrics import RealFeatures
from craft.knowledge.schema import Knowledge
from craft.models.encoders import VisionEncoder
from craft.models.foundation import Foundation
from craft.models.phantom_classifier import PhantomClassifier
from craft.training.sampler import generate
from craft.training.settings import SamplingSettings

LEAST_RECALL, LEAST_FOUND, MOST_KID = 0.9, 0.95, 2.0


@dataclass(frozen=True)
class Checked:
    """The models that are checked, and what checks them.

    Attributes:
        foundation: is to be released.
        classifier: of phantoms; saw none of them.
        encoder: a held-out vision encoder.
        sampling: how images are sampled.
        neighbours: k of recall.
    """

    foundation: Foundation
    classifier: PhantomClassifier
    encoder: VisionEncoder
    sampling: SamplingSettings
    neighbours: int


@dataclass(frozen=True)
class Quality:
    """What was measured in one modality.

    Attributes:
        images: unseen phantoms.
        accuracy, accuracy_decoded: label accuracy of the classifier on phantoms, and on decoded ones.
        recall_decoded: share of phantoms that lie in a decoded one's neighbourhood among those of their label.
        kid_decoded, kid_sampled: kernel distance of decoded phantoms and of samples from phantoms.
        diversity_decoded, diversity_sampled: mean cosine distance of two images.
        found_decoded, found_sampled: share that shows all anatomy of the modality.
        modality_share: share of samples that the classifier takes for this modality.
        faults: why it cannot be released; empty where it can.
    """

    images: int
    accuracy: float
    accuracy_decoded: float
    recall_decoded: float
    kid_decoded: float
    kid_sampled: float
    diversity_decoded: float
    diversity_sampled: float
    found_decoded: float
    found_sampled: float
    modality_share: float

    @property
    def faults(self) -> list[str]:
        """What falls short of a release."""
        found = []
        if self.recall_decoded < LEAST_RECALL:
            found.append(f"decoded phantoms cover {self.recall_decoded:.2f} of the phantoms, not {LEAST_RECALL}")
        if self.found_sampled < LEAST_FOUND * self.found_decoded:
            found.append(f"{self.found_sampled:.2f} of the samples show anatomy, {self.found_decoded:.2f} of decoded")
        if self.kid_sampled > MOST_KID * self.kid_decoded:
            found.append(f"the samples' KID is {self.kid_sampled:.2f}, that of decoded phantoms {self.kid_decoded:.2f}")
        return found

    def report(self) -> dict:
        """All of it, for a JSON file."""
        return asdict(self) | {"faults": self.faults}


def check_modality(
    models: Checked, known: Knowledge, images: Tensor, labels: np.ndarray, count: int
) -> tuple[Quality, np.ndarray]:
    """Measure the quality in one modality.

    Args:
        models: that are checked.
        known: knowledge of the modality.
        images: unseen phantoms, shape (n, 3, size, size), in [0, 1].
        labels: numbers of their labels in the order of the knowledge, shape (n,).
        count: of samples.

    Returns:
        The quality, and the samples, uint8, shape (count, size, size, 3).
    """
    decoded, sampled = models.foundation.reconstruct(images), sample_coarsely(models, known, count)
    real, again, new = (models.encoder.embed(each).numpy() for each in (images, decoded, sampled))
    everyone = np.zeros_like(labels)
    within, one = (compare(real, of, again, of, models.neighbours) for of in (labels, everyone))
    samples = compare(real, everyone, new, np.zeros(count, int), models.neighbours)
    quality = Quality(
        images=len(images),
        accuracy=label_accuracy(models.classifier, known, images, labels),
        accuracy_decoded=label_accuracy(models.classifier, known, decoded, labels),
        recall_decoded=within["recall"],
        kid_decoded=one["kid"],
        kid_sampled=samples["kid"],
        diversity_decoded=one["diversity"],
        diversity_sampled=samples["diversity"],
        found_decoded=found_share(known.modality, decoded),
        found_sampled=found_share(known.modality, sampled),
        modality_share=modality_share(models.classifier, known.modality, sampled),
    )
    return quality, from_tensor(sampled)


def sample_coarsely(models: Checked, known: Knowledge, count: int) -> Tensor:
    """Samples of the modality's coarse prompts, shape (count, 3, size, size), in [0, 1] on the CPU."""
    rng = numpy_generator("model quality", known.modality)
    prompts = [str(rng.choice(known.coarse_prompts)) for _ in range(count)]
    generator = torch_generator("model quality", "noise", known.modality)
    noise = torch.randn(count, *models.foundation.latent_shape, generator=generator)
    return generate(models.foundation, prompts, noise, models.sampling)


def compare(
    real: np.ndarray, labels: np.ndarray, features: np.ndarray, own: np.ndarray, neighbours: int
) -> dict[str, float]:
    """Fidelity of features (m, width) with labels (m,) to those of phantoms (n, width) with labels (n,), by metric."""
    rng = numpy_generator("model quality", "fidelity")
    reference = RealFeatures(real, labels, neighbours, 1, rng, "the unseen phantoms")
    found = reference.compare(features, own, rng, "the foundation's images")
    return {metric: float(values[0]) for metric, values in found.items()}


def label_accuracy(classifier: PhantomClassifier, known: Knowledge, images: Tensor, labels: np.ndarray) -> float:
    """Label accuracy of the classifier within the modality."""
    guess = classifier.probabilities(images, known.modality, list(known.labels)).argmax(1).numpy()
    return float((guess == labels).mean())


def found_share(modality: str, images: Tensor) -> float:
    """Share of images that show all anatomy of the modality; 1 where it has none that every image shows."""
    measured = measure_images(modality, from_tensor(images), f"anatomy of {modality}")
    structures = found_columns(measured)
    return float(measured[structures].min(axis=1).mean()) if structures else 1.0


@torch.inference_mode()
def modality_share(classifier: PhantomClassifier, modality: str, images: Tensor) -> float:
    """Share of images whose most probable label is of the modality."""
    chunks = images.to(classifier.model.device).split(64)
    guess = torch.cat([classifier(chunk).argmax(1) for chunk in chunks]).tolist()
    return float(np.mean([classifier.labels[index].split("/")[0] == modality for index in guess]))
