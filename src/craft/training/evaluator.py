"""Contrastive training of small image-text evaluators (Radford et al. 2021; Zhai et al. 2023) from scratch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from craft.core.seeds import derive_seed, numpy_generator
from craft.models.architectures import build_evaluator
from craft.models.evaluators import ImageTextEvaluator
from craft.models.families import FAMILIES
from craft.models.settings import EvaluatorTraining
from craft.models.tokenizer import train_tokenizer
from craft.training.corpus import Corpus
from craft.training.loop import final_loss, fit, training_seconds
from craft.training.parts import Part
from craft.training.settings import LoopSettings
from craft.training.sight import make_sight


@dataclass(frozen=True)
class TextBatch:
    """Texts of a batch of n images, which of them are true of which image, and pairs that contradict each other.

    Attributes:
        captions: one text for every image, n of them.
        statements: texts about labels of the batch's datasets, m of them.
        same: bool (n, n), which captions are true of which image.
        about: label number of every statement, shape (m,).
        belongs: bool (n, m), which statements are about the image's own label.
        rivals: bool (n, m), which statements are about a label of the image's dataset.
        present, absent: for every image a checklist statement and its contradiction, n of each.
        truth: 1 where the image's statement is true, -1 where its contradiction is, shape (n,).
    """

    captions: list[str]
    statements: list[str]
    same: Tensor
    about: Tensor
    belongs: Tensor
    rivals: Tensor
    present: list[str]
    absent: list[str]
    truth: Tensor

    def texts(self) -> list[str]:
        """All texts, one after the other."""
        return self.captions + self.statements + self.present + self.absent


def draw_texts(corpus: Corpus, rows: np.ndarray, rng: np.random.Generator) -> TextBatch:
    """Draw the texts of a batch.

    An image without a caption of its own (a real one) takes a description of its label, which is then true of all
    images of that label in the batch. Every label of the batch's datasets gives two statements. Of every image one
    checklist item is asked, of its own label or a sibling (`Corpus.draw_item`).
    """
    label, dataset = corpus.label[rows], corpus.dataset[rows]
    own = [bool(corpus.captions[row]) for row in rows]
    captions = [
        corpus.captions[row] if caption else str(rng.choice(corpus.descriptions(corpus.label[row])))
        for row, caption in zip(rows, own, strict=True)
    ]
    shared = (label[:, None] == label[None, :]) & ~np.array(own)[None, :]
    statements, about = [], []
    for number in np.flatnonzero(np.isin(corpus.dataset_of_label, dataset)):
        described = corpus.descriptions(number)
        statements += [str(rng.choice([corpus.labels[number].prompt, *described])), str(rng.choice(described))]
        about += [number, number]
    about = np.array(about)
    items, truth = zip(*(corpus.draw_item(row, rng) for row in rows), strict=True)
    return TextBatch(
        captions,
        statements,
        torch.from_numpy(shared | np.eye(len(rows), dtype=bool)),
        torch.from_numpy(about),
        torch.from_numpy(label[:, None] == about[None, :]),
        torch.from_numpy(dataset[:, None] == corpus.dataset_of_label[about][None, :]),
        [item.present for item in items],
        [item.absent for item in items],
        torch.tensor(truth),
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
    """Captions against images, statements against labels, and every image's sign against its contradiction.

    Which of the two is true is known of the image, not of its label. The statements see only rivals of the image's own
    dataset: that is where the pathology is learned.

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
    pairs = -F.logsigmoid(batch.truth * contrast).mean()
    everything = torch.ones_like(batch.same)
    to_captions, to_statements = scale * image @ captions.T, scale * image @ statements.T
    if bias is not None:
        matched = sigmoid_loss(to_captions + bias, batch.same, everything)
        return matched + sigmoid_loss(to_statements + bias, batch.belongs, batch.rivals) + pairs
    matched = softmax_loss(to_captions, batch.same, everything) + softmax_loss(to_captions.T, batch.same.T, everything)
    return matched / 4 + softmax_loss(to_statements, batch.belongs, batch.rivals) + pairs


def prototype_loss(embedding: Tensor, prototypes: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of embeddings against one learned direction per label.

    Two random towers agree on nothing, and at this scale a contrastive loss alone takes thousands of steps to break the
    tie. The shared directions break it at once; they are thrown away after the training.
    """
    return F.cross_entropy(10.0 * embedding @ F.normalize(prototypes, dim=-1).T, labels)


def text_losses(
    evaluator: ImageTextEvaluator,
    batch: TextBatch,
    image: Tensor,
    labels: Tensor,
    prototypes: Tensor,
    bias: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """The contrastive loss of a batch, and the prototype loss of its captions and statements.

    Args:
        evaluator: what is trained.
        batch: texts and what belongs together.
        image: embeddings of the images, shape (n, width).
        labels: label number of every image, shape (n,).
        prototypes: a learned direction per label, shape (labels, width).
        bias: the logit bias of a sigmoid model, None for a softmax model.
    """
    distinct = list(dict.fromkeys(batch.texts()))
    order = [distinct.index(each) for each in batch.texts()]
    text = evaluator.encode_texts(distinct).cpu()[order]
    scale = evaluator.scale.clamp(1.0, 100.0).cpu()
    matched = contrastive_loss(image, text, batch, scale, bias)
    captions, statements = text[: len(image)], text[len(image) : len(image) + len(batch.statements)]
    told = prototype_loss(captions, prototypes, labels) + prototype_loss(statements, prototypes, batch.about)
    return matched, told


def train_evaluator(
    training: EvaluatorTraining,
    corpus: Corpus,
    resolution: int,
    checkpoints: Path,
    device: str = "cpu",
    tokenizer=None,
) -> tuple[ImageTextEvaluator, dict[str, float]]:
    """Train one evaluator and return it with the mean loss of its last 100 steps and the seconds that all of them took.

    The first `training.image_steps` steps train the image tower alone, on the label prototypes: a text tower costs more
    than an image tower at this scale and has nothing to learn from images that are not told apart yet. Batches mix all
    modalities, because the running statistics of batch normalisation must hold for each of them.
    """
    name = f"train_evaluator/{training.family}/{training.seed}"
    torch.manual_seed(derive_seed(name))
    tokenizer = tokenizer or train_tokenizer(corpus.texts())
    evaluator = build_evaluator(training, tokenizer, resolution).to(device).train()
    model, sight = evaluator.model, make_sight(evaluator, corpus)
    prototypes, bias = torch.nn.Parameter(torch.randn(len(corpus.labels), training.width)), None
    if FAMILIES[training.family].sigmoid:
        bias = torch.nn.Parameter(torch.tensor(-5.0))
        with torch.no_grad():
            model.logit_scale.fill_(np.log(10.0))

    def loss_at(part: Part):
        draws, rng = part.draws(name), numpy_generator(name, part.step)
        rows = draws.integers(len(corpus), training.batch).numpy()
        labels = torch.from_numpy(corpus.label[rows])
        image = sight(rows, draws)
        recognised = prototype_loss(image, prototypes, labels)
        if part.step <= training.image_steps:
            return recognised, {}
        matched, told = text_losses(evaluator, draw_texts(corpus, rows, rng), image, labels, prototypes, bias)
        return matched + recognised + told, {}

    schedule = LoopSettings.from_scratch(training.steps, training.batch, training.learning_rate, checkpoint_every=250)
    parameters = [*model.parameters(), prototypes, *([] if bias is None else [bias])]
    history = fit(parameters, schedule, loss_at, checkpoints, weight_decay=0.05, buffers=list(model.buffers()))
    return evaluator.requires_grad_(False).eval(), {
        "final_loss": final_loss(history),
        "training_seconds": training_seconds(history, schedule),
    }
