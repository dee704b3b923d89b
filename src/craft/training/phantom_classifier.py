"""Training of the classifier of phantoms, on freshly rendered ones."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from craft.core.images import to_tensor
from craft.core.progress import track
from craft.core.seeds import derive_seed
from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality
from craft.models.phantom_classifier import PhantomClassifier
from craft.models.settings import ClassifierTraining
from craft.reward.augment import Augmentation
from craft.training.loop import fit, training_seconds
from craft.training.parts import Part
from craft.training.settings import LoopSettings


def render_labelled(
    labels: dict[str, list[str]], per_label: int, size: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Phantoms of all labels: images uint8 (n, size, size, 3) and indices of 'modality/label', shape (n,)."""
    images, targets, names = [], [], [(modality, label) for modality, members in labels.items() for label in members]
    for target, (modality, label) in enumerate(track(names, "render phantoms")):
        renderer = find_modality(modality)
        images += [make_phantom(renderer, label, size, seed, index).image for index in range(per_label)]
        targets += [target] * per_label
    return np.stack(images), np.array(targets)


def train_phantom_classifier(
    training: ClassifierTraining, labels: dict[str, list[str]], resolution: int, checkpoints: Path, device: str = "cpu"
) -> tuple[PhantomClassifier, dict[str, float]]:
    """Train on `training.images` fresh phantoms; returns the classifier and its accuracy on others, by modality."""
    torch.manual_seed(derive_seed("truth", training.seed))
    count = sum(map(len, labels.values()))
    images, targets = render_labelled(labels, -(-training.images // count), resolution, training.seed)
    classifier, augment = PhantomClassifier.build(labels).to(device).train(), Augmentation(light=0.05, noise=0.01)

    def loss_at(part: Part):
        draws = part.draws("truth", training.seed)
        rows = draws.integers(len(images), training.batch).numpy()
        pixels = augment(to_tensor(images[rows]), draws).to(device)
        target = torch.from_numpy(targets[rows]).to(device)
        return F.cross_entropy(classifier(pixels), target, label_smoothing=0.02), {}

    schedule = LoopSettings.from_scratch(
        training.steps, training.batch, training.learning_rate, checkpoint_every=training.steps
    )
    history = fit(
        list(classifier.parameters()),
        schedule,
        loss_at,
        checkpoints,
        weight_decay=0.05,
        buffers=list(classifier.buffers()),
    )
    classifier.requires_grad_(False).eval()
    accuracy = measure_accuracy(classifier, labels, resolution, training.seed + 1)
    return classifier, accuracy | {"training_seconds": training_seconds(history, schedule)}


def measure_accuracy(
    classifier: PhantomClassifier, labels: dict[str, list[str]], resolution: int, seed: int
) -> dict[str, float]:
    """Label accuracy within each modality on 100 unseen phantoms per label."""
    result = {}
    for modality, members in labels.items():
        images, targets = render_labelled({modality: members}, 100, resolution, seed)
        guess = classifier.probabilities(to_tensor(images), modality, members).argmax(1).numpy()
        result[f"accuracy_{modality}"] = float((guess == targets).mean())
    return result
