"""Study `damage`: do the scores fall, grade by grade, when real test images are damaged?"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from craft.core.seeds import numpy_generator, torch_generator
from craft.core.settings import REAL
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import bootstrap_means
from craft.evaluation.statistics.ranks import response
from craft.evaluation.validity.rows import validity_row
from craft.evaluation.validity.scores import stack
from craft.reward.damage import blur, cover, shuffle_patches

# images (n, 3, h, w), their partners of another label (n, 3, h, w), a level and a generator -> damaged images
Damage = Callable[[Tensor, Tensor, float, torch.Generator], Tensor]


def blur_by(images: Tensor, partners: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """No detail finer than `level` of the side."""
    return blur(images, generator, max(1, round(level * images.shape[-1])))


def cover_centre(images: Tensor, partners: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """A square of `level` of the side in the middle, where the pathology is, in the image's mean colour."""
    return cover(images, level, torch.full((len(images), 2), 0.5))


def tint(images: Tensor, partners: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """Channels scaled by up to 1 +- `level` in a direction drawn for every image: a wrong white balance."""
    direction = torch.randn(len(images), 3, generator=generator)
    direction = direction - direction.mean(1, keepdim=True)
    gains = 1 + level * direction / direction.abs().amax(1, keepdim=True)
    return (images * gains[:, :, None, None]).clamp(0, 1)


def mix(images: Tensor, partners: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """A share `level` of an image of another label laid over."""
    return torch.lerp(images, partners, level)


def shuffle(images: Tensor, partners: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """Cut into `level` x `level` patches, which are put back in random order."""
    return shuffle_patches(images, generator, int(level))


# the levels of every kind of damage; the first leaves the image as it is
DAMAGES: dict[str, tuple[Damage, tuple[float, ...]]] = {
    "blur": (blur_by, (0, 1 / 32, 1 / 16, 1 / 8, 1 / 4)),
    "covered_centre": (cover_centre, (0, 0.25, 0.4, 0.6, 0.8)),
    "colour_cast": (tint, (0, 0.1, 0.2, 0.4, 0.8)),
    "other_label": (mix, (0, 0.25, 0.5, 0.75, 1)),
    "shuffled_patches": (shuffle, (1, 2, 4, 8, 16)),
}


def draw_partners(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For every image the index of one of another label, drawn evenly; shape (n,)."""
    return np.array([rng.choice(np.flatnonzero(labels != label)) for label in labels])


def damaged_sets(images: Tensor, labels: np.ndarray, dataset: str) -> Iterator[tuple[str, float, Tensor]]:
    """Kind, level and images of every grade but the first, which damages nothing.

    All grades of a kind share their random numbers.
    """
    partners = images[draw_partners(labels, numpy_generator("mixing partners", dataset))]
    for kind, (damage, levels) in DAMAGES.items():
        for level in levels[1:]:
            yield kind, level, damage(images, partners, level, torch_generator("graded damage", kind, dataset))


def response_to_damage(
    scores: dict[tuple[str, float], dict[str, np.ndarray]],
    labels: np.ndarray,
    scoring: ScoringSettings,
    dataset: str,
    **shared,
) -> Iterator[dict]:
    """Rows of the study `damage`: the mean score at every grade, and how steadily each image's score falls.

    Args:
        scores: kind and level -> scores by name, shapes (n,), of the same images.
        labels: of the images, which weigh alike, shape (n,).
        scoring: bootstrap settings.
        dataset: seeds the resamples, which all kinds and grades share.
        shared: evaluator, role and source of the rows.
    """
    places, values = [], []
    for kind, (_, levels) in DAMAGES.items():
        names = list(scores[kind, levels[0]])
        stacked = np.stack([stack(scores[kind, level]) for level in levels]).astype(float)
        for level, each in zip(levels, stacked, strict=True):
            places += [(kind, level, "mean", name) for name in names]
            values.append(each)
        places += [(kind, float("nan"), "spearman", name) for name in names]
        values.append(response(stacked))
    matrix = np.concatenate(values, axis=1)
    seeded = ("graded damage", dataset)
    numbers = bootstrap_means([matrix], scoring.bootstrap, scoring.confidence, *seeded, labels=[labels])
    for (kind, level, metric, name), number in zip(places, numbers, strict=True):
        place = {"dimension": name, "condition": kind, "level": level, "metric": metric}
        yield validity_row(number, study="damage", method=REAL, **place, **shared)
