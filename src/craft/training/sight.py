"""What an evaluator sees while it is trained: embeddings of augmented images."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from craft.core.progress import track
from craft.core.seeds import Draws
from craft.models.encoders import VisionEncoder
from craft.models.evaluators import ImageTextEvaluator
from craft.reward.augment import Augmentation
from craft.training.corpus import Corpus

# rows of the corpus (n,) and a batch's draws -> embeddings (n, width)
Sight = Callable[[np.ndarray, Draws], Tensor]


def make_sight(evaluator: ImageTextEvaluator, corpus: Corpus) -> Sight:
    """How an evaluator sees the images of a corpus.

    A locked tower never changes, so it looks once at every image, as it is: augmentation would move its features, which
    nothing trains to bear that, further than labels do.
    """
    if evaluator.tower is None:
        return look_anew(evaluator, corpus)
    features = look_once(evaluator.model.encoder, corpus)
    evaluator.model.standardise(features.to(evaluator.device))
    return lambda rows, draws: evaluator.project(features[torch.from_numpy(rows)].to(evaluator.device)).cpu()


def look_anew(evaluator: ImageTextEvaluator, corpus: Corpus) -> Sight:
    """Every step augments its images afresh."""
    augment = Augmentation()

    def sight(rows: np.ndarray, draws: Draws) -> Tensor:
        return evaluator.encode_images(augment(corpus.tensor(rows), draws).to(evaluator.device)).cpu()

    return sight


def look_once(encoder: VisionEncoder, corpus: Corpus) -> Tensor:
    """Features (n, width) of every image."""
    pieces = np.array_split(np.arange(len(corpus)), -(-len(corpus) // 256))
    return torch.cat([encoder.embed(corpus.tensor(rows)) for rows in track(pieces, "look at all images")])
