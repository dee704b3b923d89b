"""Whether freshly trained small models are good enough to be released: what they lose and what they confuse."""

import numpy as np
import torch

from craft.core.seeds import numpy_generator, torch_generator
from craft.models.foundation import Foundation
from craft.models.phantom_classifier import PhantomClassifier
from craft.training.corpus import Corpus
from craft.training.sampler import generate
from craft.training.settings import SamplingSettings


def accuracy_by_modality(
    classifier: PhantomClassifier, corpus: Corpus, foundation: Foundation | None = None
) -> dict[str, float]:
    """Label accuracy of the classifier of phantoms within each modality, on images or on their reconstructions."""
    result, first = {}, 0
    for number, known in enumerate(corpus.knowledge):
        rows, labels = np.flatnonzero(corpus.dataset == number), list(known.labels)
        images = corpus.tensor(rows)
        if foundation:
            images = foundation.reconstruct(images)
        guess = classifier.probabilities(images, known.modality, labels).argmax(1).numpy() + first
        result[known.modality] = float((guess == corpus.label[rows]).mean())
        first += len(labels)
    return result


def sampled_modality_share(
    classifier: PhantomClassifier, foundation: Foundation, corpus: Corpus, sampling: SamplingSettings, count: int
) -> dict[str, float]:
    """Share of `count` samples of each modality's coarse prompts whose most probable label is of that modality."""
    result = {}
    for known in corpus.knowledge:
        rng = numpy_generator("model quality", known.modality)
        prompts = [str(rng.choice(known.coarse_prompts)) for _ in range(count)]
        noise = torch.randn(
            count, *foundation.latent_shape, generator=torch_generator("model quality", "noise", known.modality)
        )
        images = generate(foundation, prompts, noise, sampling)
        with torch.inference_mode():
            guess = classifier(images.to(classifier.model.device)).argmax(1).tolist()
        modalities = [classifier.labels[index].split("/")[0] for index in guess]
        result[known.modality] = float(np.mean([modality == known.modality for modality in modalities]))
    return result
