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

# augmented views of every image that a locked tower looks at
VIEWS = 4

# rows of the corpus (n,) and a batch's draws -> embeddings (n, width)
Sight = Callable[[np.ndarray, Draws], Tensor]


def make_sight(evaluator: ImageTextEvaluator, corpus: Corpus, name: str) -> Sight:
    """How an evaluator sees the images of a corpus; `name` seeds the views of a locked tower.

    A locked tower never changes: it looks once at a few augmented views of every image, and the steps choose among
    their features.
    """
    if evaluator.tower is None:
        return look_anew(evaluator, corpus)
    views = torch.stack([look_once(evaluator.model.encoder, corpus, name, view) for view in range(VIEWS)])
    evaluator.model.standardise(views.flatten(0, 1).to(evaluator.device))

    def sight(rows: np.ndarray, draws: Draws) -> Tensor:
        chosen = views[draws.integers(VIEWS, len(rows)), torch.from_numpy(rows)]
        return evaluator.project(chosen.to(evaluator.device)).cpu()

    return sight


def look_anew(evaluator: ImageTextEvaluator, corpus: Corpus) -> Sight:
    """Every step augments its images afresh."""
    augment = Augmentation()

    def sight(rows: np.ndarray, draws: Draws) -> Tensor:
        return evaluator.encode_images(augment(corpus.tensor(rows), draws).to(evaluator.device)).cpu()

    return sight


def look_once(encoder: VisionEncoder, corpus: Corpus, name: str, view: int) -> Tensor:
    """Features (n, width) of one augmented view of every image."""
    augment, pieces = Augmentation(), np.array_split(np.arange(len(corpus)), -(-len(corpus) // 256))
    return torch.cat(
        [
            encoder.embed(augment(corpus.tensor(rows), Draws(name, "view", view, int(rows[0]))))
            for rows in track(pieces, f"view {view + 1} of {VIEWS}")
        ]
    )
