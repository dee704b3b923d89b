"""Training of small vision-only encoders, from scratch and without a word of text.

Up to four lessons. *Anatomy*: where the images are phantoms, every drawn attribute (where the disc lies, how wide the
heart is, how many nuclei there are ...) is regressed from the features by a linear map. *Structure*: half of every
batch is damaged or no image at all (`craft.reward.damage`), and a linear map tells which kind. *Refusal*: whatever is
no whole image of a dataset points away from those that are, as plausibility measures it. *Likeness*: where nothing was
drawn, two views of an image are found among those of the others (SimCLR, Chen et al. 2020). The linear maps are thrown
away after the training; no label is ever used.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from craft.core.seeds import Draws, derive_seed
from craft.models.architectures import HALF
from craft.models.encoders import PooledModel, VisionEncoder
from craft.models.settings import EncoderTraining
from craft.models.towers import TOWERS
from craft.reward.augment import Augmentation
from craft.reward.damage import DAMAGES, NO_IMAGES, damage_in_turn
from craft.reward.directions import Directions
from craft.training.attributes import Attributes
from craft.training.corpus import Corpus
from craft.training.loop import final_loss, fit, training_seconds
from craft.training.parts import Part
from craft.training.settings import LoopSettings

KINDS = len(DAMAGES) + len(NO_IMAGES)
# share of a batch that is damaged
DAMAGED = 0.5
# images of the batch that an image is compared with
NEIGHBOURS = 3
TEMPERATURE = 0.2
WEIGHTS = {"structure": 0.5, "refusal": 2.0, "anatomy": 1.0, "likeness": 1.0}


def build_encoder(training: EncoderTraining, resolution: int) -> VisionEncoder:
    """An untrained encoder of a tower (`craft.models.towers`)."""
    from transformers import AutoModel

    model = AutoModel.from_config(TOWERS[training.tower](training.width))
    return VisionEncoder(PooledModel(model), resolution, HALF, HALF, model)


def damage_some(images: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """The first images (n, 3, h, w) damaged, each in a way of its own, and what each one is: 0 whole, then the kinds.

    Some are laid over the whole image, so that mild damage is seen too.
    """
    count = max(1, round(DAMAGED * len(images)))
    kinds = torch.zeros(len(images), dtype=torch.long)
    kinds[:count] = 1 + draws.integers(KINDS, count)
    strength = torch.zeros(len(images), 1, 1, 1)
    strength[:count, 0, 0, 0] = (0.3 + draws.uniform(count)).clamp(max=1.0)
    return torch.lerp(images, damage_in_turn(images, kinds - 1, draws.generator), strength), kinds


def likeness_loss(first: Tensor, second: Tensor) -> Tensor:
    """NT-Xent of two views (n, width) of n images."""
    views = F.normalize(torch.cat([first, second]), dim=1)
    logits = views @ views.T / TEMPERATURE
    logits = logits.masked_fill(torch.eye(len(views), dtype=torch.bool), float("-inf"))
    partners = torch.arange(len(views)).roll(len(first))
    return F.cross_entropy(logits, partners)


def refusal_loss(features: Tensor, whole: Tensor, dataset: Tensor) -> Tensor:
    """How near to a dataset's whole images everything else points, mean over datasets; 0 where nothing does.

    Whole images are not drawn together, since what tells them apart is their anatomy.

    Args:
        features: shape (n, width).
        whole: which images are whole, shape (n,).
        dataset: number of every image's dataset, shape (n,).
    """
    losses = []
    for number in dataset.unique():
        real = whole & (dataset == number)
        if real.sum() > NEIGHBOURS:
            directions = Directions(features[real].detach())(features)
            cosines = directions[~real] @ directions[real].detach().T
            losses.append(torch.relu(cosines.topk(NEIGHBOURS, dim=1).values.mean(1)).mean())
    return torch.stack(losses).mean() if losses else features.sum() * 0


def attribute_loss(predicted: Tensor, values: Tensor, known: Tensor) -> Tensor:
    """Mean squared error of the known attributes, in variances; 0 where none is known."""
    return (predicted - values).square()[known].mean() if known.any() else predicted.sum() * 0


def train_encoder(
    training: EncoderTraining, corpus: Corpus, resolution: int, checkpoints: Path, device: str = "cpu"
) -> tuple[VisionEncoder, dict[str, float]]:
    """Train one encoder and return it with the mean loss of its last 100 steps."""
    name = f"train_encoder/{training.tower}/{training.seed}"
    torch.manual_seed(derive_seed(name))
    encoder = build_encoder(training, resolution).to(device).train()
    # what moves an image would make its drawn places and sizes untrue
    augment = Augmentation(shift=0.01, zoom=0.01, light=0.06)
    attributes = Attributes.read(corpus.attributes, corpus.dataset, corpus.modalities)
    values, known = torch.from_numpy(attributes.values), torch.from_numpy(attributes.known)
    width = 2 * training.width
    to_attributes, to_kind = nn.Linear(width, max(1, len(attributes.names))), nn.Linear(width, 1 + KINDS)
    to_view = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, training.width))
    dataset = torch.from_numpy(corpus.dataset)

    def features_of(images: Tensor) -> Tensor:
        return encoder.encode_images(images.to(device)).cpu()

    def loss_at(part: Part):
        draws = part.draws(name)
        rows = draws.integers(len(corpus), training.batch).numpy()
        images = corpus.tensor(rows)
        seen, kinds = damage_some(augment(images, draws).clamp(0, 1), draws)
        features = features_of(seen)
        whole = kinds == 0
        logs = {
            "structure": F.cross_entropy(to_kind(features), kinds),
            "refusal": refusal_loss(features, whole, dataset[rows]),
        }
        if attributes.names:
            told = known[rows] & whole[:, None]
            logs["anatomy"] = attribute_loss(to_attributes(features), values[rows], told)
        alike = whole & ~known[rows].any(1)
        if alike.any():
            other = features_of(augment(images[alike], draws).clamp(0, 1))
            logs["likeness"] = likeness_loss(to_view(features[alike]), to_view(other))
        loss = sum(WEIGHTS[key] * value for key, value in logs.items())
        return loss, {key: value.item() for key, value in logs.items()}

    heads = [*to_attributes.parameters(), *to_kind.parameters(), *to_view.parameters()]
    schedule = LoopSettings.from_scratch(training.steps, training.batch, training.learning_rate, checkpoint_every=250)
    parameters, buffers = [*encoder.model.parameters(), *heads], list(encoder.model.buffers())
    history = fit(parameters, schedule, loss_at, checkpoints, weight_decay=0.05, buffers=buffers)
    return encoder.requires_grad_(False).eval(), {
        "final_loss": final_loss(history),
        "training_seconds": training_seconds(history, schedule),
    }


def probe_attributes(encoder: VisionEncoder, train: Corpus, test: Corpus) -> dict[str, float]:
    """R^2 on unseen images of a linear probe (ridge regression) of every drawn attribute, by 'modality/attribute'.

    Args:
        encoder: whose features are probed.
        train: images on which the probes are fitted.
        test: images on which they are judged.
    """
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score

    joined = Attributes.read(
        [*train.attributes, *test.attributes], np.r_[train.dataset, test.dataset], train.modalities
    )
    images = [
        np.concatenate([encoder.embed(part.tensor(rows)).numpy() for rows in chunks(len(part))])
        for part in (train, test)
    ]
    features = np.concatenate(images)
    spread = features.std(0).clip(1e-8)
    features, first, found = (features - features.mean(0)) / spread, len(train), {}
    for column, name in enumerate(joined.names):
        rows = np.flatnonzero(joined.known[:, column])
        fitted, judged = rows[rows < first], rows[rows >= first]
        probe = Ridge(alpha=1.0).fit(features[fitted], joined.values[fitted, column])
        found[name] = float(r2_score(joined.values[judged, column], probe.predict(features[judged])))
    return found


def chunks(count: int, size: int = 256) -> list[np.ndarray]:
    """Row numbers 0 ... count - 1 in pieces."""
    return np.array_split(np.arange(count), max(1, -(-count // size)))
