"""What every phantom modality provides, and how one phantom is made.

A phantom is a parametric rendering with known attributes: they are drawn first, the image is rendered from them and
the caption is written from them. Phantoms are synthetic images; wherever they play the part of real images they are
called *reference phantoms*.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from zlib import crc32

import numpy as np

from craft.datasets.phantoms.signs import Predicate

MOST_PHRASES = 3


@dataclass(frozen=True)
class Modality:
    """One phantom modality.

    Attributes:
        name: modality key, also the name of its knowledge file.
        labels: label keys, in the order of the knowledge file.
        coarse_captions: openings of the captions that train the foundation; they name the modality.
        anatomy: phrases that are true of an image and have nothing to do with its label, from its attributes.
        draw: draws the attributes (a frozen dataclass) of one phantom with the given label.
        render: renders attributes to a uint8 image of shape (size, size, 3).
        describe: writes the detailed caption (at most 28 words) of attributes in the knowledge bank's words.
        signs: `present` statement of every checklist item of the labels -> whether it is true, from the attributes as
            plain values (`craft.datasets.phantoms.signs`).
    """

    name: str
    labels: tuple[str, ...]
    coarse_captions: tuple[str, ...]
    anatomy: Callable[[Any], list[str]]
    draw: Callable[[str, np.random.Generator], Any]
    render: Callable[[Any, int, np.random.Generator], np.ndarray]
    describe: Callable[[Any, np.random.Generator], str]
    signs: dict[str, Predicate]


@dataclass(frozen=True)
class Phantom:
    """One rendered phantom and what was drawn for it.

    Attributes:
        image: uint8 array of shape (size, size, 3).
        label: label key.
        attributes: what was drawn, plain numbers, booleans and strings.
        caption: detailed caption.
        coarse_caption: modality, and up to `MOST_PHRASES` phrases of its anatomy; nothing of its label.
    """

    image: np.ndarray
    label: str
    attributes: dict[str, Any]
    caption: str
    coarse_caption: str


def make_phantom(modality: Modality, label: str, size: int, seed: int, index: int) -> Phantom:
    """Draw, render and describe phantom number `index` of a label.

    The same (modality, label, seed, index) is the same scene at every size.

    Raises:
        ValueError: if the modality has no such label.
    """
    if label not in modality.labels:
        raise ValueError(f"modality {modality.name!r} has no label {label!r}; it has {', '.join(modality.labels)}")
    key = [seed, crc32(f"{modality.name}/{label}".encode()), index]
    draw_rng, render_rng, text_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(key).spawn(3))
    attributes = modality.draw(label, draw_rng)
    return Phantom(
        image=modality.render(attributes, size, render_rng),
        label=label,
        attributes=asdict(attributes),
        caption=modality.describe(attributes, text_rng),
        coarse_caption=describe_coarsely(modality, attributes, text_rng),
    )


def describe_coarsely(modality: Modality, attributes: Any, rng: np.random.Generator) -> str:
    """A caption of modality and anatomy: it teaches a foundation to follow words, and none that a label needs."""
    opening = str(rng.choice(modality.coarse_captions))
    phrases = [str(phrase) for phrase in rng.permutation(modality.anatomy(attributes))]
    return ", ".join([opening, *phrases[: rng.integers(MOST_PHRASES + 1)]])
