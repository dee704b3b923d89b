"""Contrastive training of small image-text evaluators (Radford et al. 2021; Zhai et al. 2023) from nothing."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from craft.core.config import EvaluatorTraining, Training
from craft.core.seeds import derive_seed, numpy_generator, torch_generator
from craft.models.evaluators import ImageTextEvaluator, pooled
from craft.models.families import build_evaluator
from craft.models.tokenizer import tokenize, train_tokenizer
from craft.reward.augment import Augmentation
from craft.training.corpus import Corpus, draw_rows
from craft.training.loop import fit

HALF = [0.5, 0.5, 0.5]


@dataclass
class TextBatch:
    """Texts of a batch and how they relate to its n images.

    Attributes:
        texts: m >= n texts; the first n are each one's own image's.
        positive: bool (n, m), which texts are true of which image.
        known: bool (n, m), where truth is known; the rest does not enter the loss.
    """

    texts: list[str]
    positive: Tensor
    known: Tensor


def draw_texts(corpus: Corpus, rows: np.ndarray, rng: np.random.Generator) -> TextBatch:
    """Give every image a caption, a description of its label or a checklist statement, and add contradictions.

    A caption is true of its own image alone; a text about a label is true of all images of that label. A
    *contradiction* (the absent statement of a checklist item) is false of its own label and unknown for the others.
    """
    texts, owner = [], []
    for row in rows:
        label = corpus.labels[corpus.label[row]]
        kind = rng.choice(["caption", "description", "present"], p=[0.5, 0.3, 0.2])
        if kind == "caption" and corpus.captions[row]:
            texts.append(corpus.captions[row])
            owner.append(-1)
            continue
        pool = [item.present for item in label.checklist] if kind == "present" else [*label.descriptions, label.prompt]
        texts.append(str(rng.choice(pool)))
        owner.append(corpus.label[row])
    n = len(rows)
    labels = torch.from_numpy(corpus.label[rows])
    positive = torch.eye(n, dtype=torch.bool) | (labels[:, None] == torch.tensor(owner)[None, :])
    contradicted = np.unique(corpus.label[rows])
    texts += [str(rng.choice([item.absent for item in corpus.labels[label].checklist])) for label in contradicted]
    false = labels[:, None] == torch.from_numpy(contradicted)[None, :]
    known = torch.cat([torch.ones(n, n, dtype=torch.bool), false], dim=1)
    return TextBatch(texts, torch.cat([positive, torch.zeros_like(false)], dim=1), known)


def softmax_loss(logits: Tensor, batch: TextBatch) -> Tensor:
    """CLIP's symmetric cross-entropy with several positives and unknown pairs left out; logits (n, m)."""
    masked = logits.masked_fill(~batch.known, -1e4)
    target = batch.positive.float()
    image_loss = -(F.log_softmax(masked, dim=1) * target).sum(1) / target.sum(1)
    own, own_target = masked[:, : len(logits)].T, target[:, : len(logits)].T
    text_loss = -(F.log_softmax(own, dim=1) * own_target).sum(1) / own_target.sum(1)
    return (image_loss.mean() + text_loss.mean()) / 2


def sigmoid_loss(logits: Tensor, batch: TextBatch) -> Tensor:
    """SigLIP's pairwise loss, unknown pairs left out; logits (n, m)."""
    sign = batch.positive.float() * 2 - 1
    return -(F.logsigmoid(sign * logits) * batch.known).sum() / len(logits)


def train_evaluator(
    training: EvaluatorTraining,
    corpus: Corpus,
    resolution: int,
    checkpoints: Path,
    device: str = "cpu",
    tokenizer=None,
) -> tuple[ImageTextEvaluator, dict[str, float]]:
    """Train one evaluator and return it with the mean loss of its last 100 steps.

    All batches but one in five hold a single modality (with four modalities), because telling a chest radiograph from a
    skin lesion teaches nothing about pathology.
    """
    name = f"train_evaluator/{training.family}/{training.seed}"
    torch.manual_seed(derive_seed(name))
    tokenizer = tokenizer or train_tokenizer(corpus.texts())
    model = build_evaluator(training, tokenizer, resolution).to(device).train()
    evaluator = ImageTextEvaluator(model, tokenizer, resolution, HALF, HALF).to(device)
    if sigmoid := training.family == "siglip_vit":
        with torch.no_grad():
            model.logit_scale.fill_(np.log(10.0))
            model.logit_bias.fill_(-6.0)
    augment = Augmentation()
    members = [np.flatnonzero(corpus.modality == number) for number in range(len(corpus.knowledge))]
    members.append(np.arange(len(corpus)))

    def loss_at(step: int):
        generator, rng = torch_generator(name, step), numpy_generator(name, step)
        pool = members[step % len(members)]
        rows = pool[draw_rows(len(pool), training.batch, generator)]
        texts = draw_texts(corpus, rows, rng)
        image = evaluator.encode_images(augment(corpus.tensor(rows), generator).to(device))
        tokens = tokenize(tokenizer, texts.texts).to(device)
        text = F.normalize(pooled(model.get_text_features(input_ids=tokens)), dim=-1)
        logits = (evaluator.scale.clamp(1.0, 100.0) * image @ text.T).cpu()
        return sigmoid_loss(logits + model.logit_bias.cpu(), texts) if sigmoid else softmax_loss(logits, texts), {}

    schedule = Training(
        steps=training.steps,
        batch=training.batch,
        learning_rate=training.learning_rate,
        warmup_steps=training.steps // 20,
        checkpoint_every=250,
    )
    history = fit(list(model.parameters()), schedule, loss_at, checkpoints, weight_decay=0.05)
    return evaluator.requires_grad_(False).eval(), {
        "final_loss": float(np.mean([r["loss"] for r in history[1:]][-100:]))
    }


@torch.inference_mode()
def zero_shot_accuracy(evaluator: ImageTextEvaluator, corpus: Corpus) -> dict[str, float]:
    """Share of images whose label's descriptions are the most similar on average, by modality."""
    images = torch.cat([evaluator.embed(corpus.tensor(rows)) for rows in np.array_split(np.arange(len(corpus)), 16)])
    texts = torch.stack([evaluator.encode_texts(label.descriptions).mean(0).cpu() for label in corpus.labels])
    similarity, first, result = images @ texts.T, 0, {}
    for number, book in enumerate(corpus.knowledge):
        rows = np.flatnonzero(corpus.modality == number)
        guess = first + similarity[rows][:, first : first + len(book.labels)].argmax(1).numpy()
        result[book.modality] = float((guess == corpus.label[rows]).mean())
        first += len(book.labels)
    return result
