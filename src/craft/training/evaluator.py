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


@dataclass(frozen=True)
class TextBatch:
    """Texts of a batch of n images, which of them are true of which image, and pairs that contradict each other.

    Attributes:
        captions: one text for every image, n of them.
        statements: texts about labels of the batch's modalities, m of them.
        same: bool (n, n), which captions are true of which image.
        about: label number of every statement, shape (m,).
        belongs: bool (n, m), which statements are about the image's own label.
        rivals: bool (n, m), which statements are about a label of the image's modality.
        present, absent: for every image a checklist statement of its label and its contradiction, n of each.
    """

    captions: list[str]
    statements: list[str]
    same: Tensor
    about: Tensor
    belongs: Tensor
    rivals: Tensor
    present: list[str]
    absent: list[str]

    def texts(self) -> list[str]:
        """All texts, one after the other."""
        return self.captions + self.statements + self.present + self.absent


def draw_texts(corpus: Corpus, rows: np.ndarray, rng: np.random.Generator) -> TextBatch:
    """Draw the texts of a batch.

    An image without a caption of its own (a real one) takes a description of its label, which is then true of all
    images of that label in the batch. Every label of the batch's modalities gives two statements.
    """
    label, modality = corpus.label[rows], corpus.modality[rows]
    own = [bool(corpus.captions[row]) for row in rows]
    captions = [
        corpus.captions[row] if caption else str(rng.choice(corpus.labels[corpus.label[row]].descriptions))
        for row, caption in zip(rows, own, strict=True)
    ]
    shared = (label[:, None] == label[None, :]) & ~np.array(own)[None, :]
    statements, about = [], []
    for number in np.flatnonzero(np.isin(corpus.modality_of_label, modality)):
        known = corpus.labels[number]
        statements += [str(rng.choice([known.prompt, *known.descriptions])), str(rng.choice(known.descriptions))]
        about += [number, number]
    about = np.array(about)
    items = [corpus.labels[number].checklist for number in label]
    chosen = [item[rng.integers(len(item))] for item in items]
    return TextBatch(
        captions,
        statements,
        torch.from_numpy(shared | np.eye(len(rows), dtype=bool)),
        torch.from_numpy(about),
        torch.from_numpy(label[:, None] == about[None, :]),
        torch.from_numpy(modality[:, None] == corpus.modality_of_label[about][None, :]),
        [item.present for item in chosen],
        [item.absent for item in chosen],
    )


def softmax_loss(logits: Tensor, positive: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy of images (rows) against texts (columns) with several positives; unknown pairs are left out."""
    target = positive.float()
    log_chance = F.log_softmax(logits.masked_fill(~known, -1e4), dim=1)
    return -((log_chance * target).sum(1) / target.sum(1)).mean()


def sigmoid_loss(logits: Tensor, positive: Tensor, known: Tensor) -> Tensor:
    """SigLIP's pairwise loss, positives and negatives weighing the same; unknown pairs are left out."""
    true, false = positive & known, ~positive & known
    return -(F.logsigmoid(logits)[true].mean() + F.logsigmoid(-logits)[false].mean())


def contrastive_loss(image: Tensor, text: Tensor, batch: TextBatch, scale: Tensor, bias: Tensor | None) -> Tensor:
    """Captions against images, statements against labels, and present against absent signs.

    The statements see only rivals of the image's own modality: that is where the pathology is learned.

    Args:
        image: embeddings (n, width).
        text: embeddings of `batch.texts()`, in that order.
        batch: what belongs together.
        scale: inverse temperature.
        bias: the logit bias of a sigmoid model, None for a softmax model.
    """
    n, m = len(image), len(batch.statements)
    captions, statements, present, absent = text.split([n, m, n, n])
    contrast = scale * (image * (present - absent)).sum(1)
    pairs = -F.logsigmoid(contrast).mean()
    everything = torch.ones_like(batch.same)
    to_captions, to_statements = scale * image @ captions.T, scale * image @ statements.T
    if bias is not None:
        matched = sigmoid_loss(to_captions + bias, batch.same, everything)
        return matched + sigmoid_loss(to_statements + bias, batch.belongs, batch.rivals) + pairs
    matched = softmax_loss(to_captions, batch.same, everything) + softmax_loss(to_captions.T, batch.same.T, everything)
    return matched / 4 + softmax_loss(to_statements, batch.belongs, batch.rivals) + pairs


def prototype_loss(image: Tensor, text: Tensor, prototypes: Tensor, labels: Tensor, batch: TextBatch) -> Tensor:
    """Cross-entropy of images, captions and statements against one learned direction a label.

    Two random towers agree on nothing, and at this scale a contrastive loss alone takes thousands of steps to break the
    tie. The shared directions break it at once; they are thrown away after the training.
    """
    n, m = len(image), len(batch.statements)
    directions = 10.0 * F.normalize(prototypes, dim=-1).T
    captions, statements = text[:n], text[n : n + m]
    losses = [F.cross_entropy(each @ directions, labels) for each in (image, captions)]
    return sum(losses) + F.cross_entropy(statements @ directions, batch.about)


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
            model.logit_bias.fill_(-5.0)
    prototypes = torch.nn.Parameter(torch.randn(len(corpus.labels), training.width))
    augment = Augmentation()
    members = [np.flatnonzero(corpus.modality == number) for number in range(len(corpus.knowledge))]
    members.append(np.arange(len(corpus)))

    def loss_at(step: int):
        generator, rng = torch_generator(name, step), numpy_generator(name, step)
        pool = members[step % len(members)]
        rows = pool[draw_rows(len(pool), training.batch, generator)]
        texts = draw_texts(corpus, rows, rng)
        image = evaluator.encode_images(augment(corpus.tensor(rows), generator).to(device))
        distinct = list(dict.fromkeys(texts.texts()))
        tokens = tokenize(tokenizer, distinct).to(device)
        text = F.normalize(pooled(model.get_text_features(input_ids=tokens)), dim=-1).cpu()
        order = [distinct.index(each) for each in texts.texts()]
        scale = evaluator.scale.clamp(1.0, 100.0).cpu()
        bias = model.logit_bias.cpu() if sigmoid else None
        labels = torch.from_numpy(corpus.label[rows])
        matched = contrastive_loss(image.cpu(), text[order], texts, scale, bias)
        return matched + prototype_loss(image.cpu(), text[order], prototypes, labels, texts), {}

    schedule = Training(
        steps=training.steps,
        batch=training.batch,
        learning_rate=training.learning_rate,
        warmup_steps=training.steps // 20,
        checkpoint_every=250,
    )
    history = fit([*model.parameters(), prototypes], schedule, loss_at, checkpoints, weight_decay=0.05)
    return evaluator.requires_grad_(False).eval(), {
        "final_loss": float(np.mean([r["loss"] for r in history[1:]][-100:]))
    }


@torch.inference_mode()
def zero_shot_accuracy(evaluator: ImageTextEvaluator, corpus: Corpus) -> dict[str, float]:
    """Share of images whose label's descriptions are the most similar on average, by modality."""
    chunks = np.array_split(np.arange(len(corpus)), max(1, len(corpus) // 256))
    images = torch.cat([evaluator.embed(corpus.tensor(rows)) for rows in chunks])
    texts = torch.stack([evaluator.encode_texts(label.descriptions).mean(0).cpu() for label in corpus.labels])
    similarity, first, result = images @ texts.T, 0, {}
    for number, book in enumerate(corpus.knowledge):
        rows = np.flatnonzero(corpus.modality == number)
        guess = first + similarity[rows][:, first : first + len(book.labels)].argmax(1).numpy()
        result[book.modality] = float((guess == corpus.label[rows]).mean())
        first += len(book.labels)
    return result
