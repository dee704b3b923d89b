"""What a trained evaluator knows of unseen images: their labels, and signs that differ among images of one label."""

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from craft.models.evaluators import ImageTextEvaluator
from craft.training.corpus import Corpus


def embed_corpus(evaluator: ImageTextEvaluator, corpus: Corpus) -> Tensor:
    """Embeddings of all images, shape (n, width), on the CPU."""
    chunks = np.array_split(np.arange(len(corpus)), max(1, len(corpus) // 256))
    return torch.cat([evaluator.embed(corpus.tensor(rows)) for rows in chunks])


@torch.inference_mode()
def zero_shot_accuracy(evaluator: ImageTextEvaluator, corpus: Corpus) -> dict[str, float]:
    """Share of images whose label's descriptions are the most similar on average, by modality."""
    images = embed_corpus(evaluator, corpus)
    described = [corpus.descriptions(number) for number in range(len(corpus.labels))]
    texts = torch.stack([evaluator.encode_texts(texts).mean(0).cpu() for texts in described])
    similarity, first, result = images @ texts.T, 0, {}
    for number, known in enumerate(corpus.knowledge):
        rows = np.flatnonzero(corpus.dataset == number)
        guess = first + similarity[rows][:, first : first + len(known.labels)].argmax(1).numpy()
        result[known.modality] = float((guess == corpus.label[rows]).mean())
        first += len(known.labels)
    return result


@torch.inference_mode()
def item_auroc(evaluator: ImageTextEvaluator, corpus: Corpus, fewest: int = 5) -> dict[str, float]:
    """How well an evaluator tells, among images of one label, those that show a checklist's sign, by modality.

    The score of an image is its cosine to the present statement minus that to the absent one. Since images of one label
    are compared, an evaluator that knows nothing but labels stands at 0.5. Items of sibling labels are asked too: few
    items of a label's own checklist are absent often enough.

    Args:
        evaluator: what is judged.
        corpus: images with known signs (`Corpus.answers`).
        fewest: images of a label with a sign, and without it, below which the item is left out for that label.

    Returns:
        Mean AUROC over the labels and items that are left; modalities without any are missing.
    """
    images, result = embed_corpus(evaluator, corpus), {}
    present, absent = (
        evaluator.encode_texts([getattr(item, side) for item in corpus.items]).cpu() for side in ("present", "absent")
    )
    scores = (images @ (present - absent).T).numpy()
    for number, known in enumerate(corpus.knowledge):
        found = []
        for label in np.flatnonzero(corpus.dataset_of_label == number):
            for item in range(len(corpus.items)):
                rows = np.flatnonzero((corpus.label == label) & (corpus.answers[:, item] != 0))
                truth = corpus.answers[rows, item] > 0
                if min(truth.sum(), (~truth).sum()) >= fewest:
                    found.append(roc_auc_score(truth, scores[rows, item]))
        if found:
            result[known.modality] = float(np.mean(found))
    return result
