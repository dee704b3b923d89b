"""Whether freshly trained small models are good enough to be released: what they lose and what they confuse."""

import numpy as np
import torch

from craft.core.config.methods import Sampling
from craft.core.seeds import numpy_generator, torch_generator
from craft.models.foundation import Foundation
from craft.models.truth import TruthClassifier
from craft.training.corpus import Corpus
from craft.training.sampler import generate


def accuracy_by_modality(
    truth: TruthClassifier, corpus: Corpus, foundation: Foundation | None = None
) -> dict[str, float]:
    """Label accuracy of the truth classifier within each modality, on images or on their reconstructions."""
    result, first = {}, 0
    for number, book in enumerate(corpus.knowledge):
        rows, labels = np.flatnonzero(corpus.modality == number), list(book.labels)
        images = corpus.tensor(rows)
        if foundation:
            with torch.inference_mode():
                latents = foundation.encode_images(images)
                chunks = [foundation.decode(chunk.to(foundation.device)).cpu() for chunk in latents.split(64)]
            images = torch.cat(chunks).clamp(0, 1)
        guess = truth.probabilities(images, book.modality, labels).argmax(1).numpy() + first
        result[book.modality] = float((guess == corpus.label[rows]).mean())
        first += len(labels)
    return result


def sampled_modality_share(
    truth: TruthClassifier, foundation: Foundation, corpus: Corpus, sampling: Sampling, count: int
) -> dict[str, float]:
    """Share of `count` samples of each modality's coarse prompts whose most probable label is of that modality."""
    result = {}
    for book in corpus.knowledge:
        rng = numpy_generator("model quality", book.modality)
        prompts = [str(rng.choice(book.coarse_prompts)) for _ in range(count)]
        noise = torch.randn(
            count, *foundation.latent_shape, generator=torch_generator("model quality", "noise", book.modality)
        )
        images = generate(foundation, prompts, noise, sampling)
        with torch.inference_mode():
            guess = truth(images.to(truth.model.device)).argmax(1).tolist()
        result[book.modality] = float(np.mean([truth.labels[index].split("/")[0] == book.modality for index in guess]))
    return result
