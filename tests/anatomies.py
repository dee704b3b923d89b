"""Phantoms whose anatomy is left out by the renderer, for tests of what looks for it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from unittest.mock import patch

import numpy as np

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality

SIZE = 64


@contextmanager
def without(modality: str, *structures: str, more_lesions: int = 1) -> Iterator[None]:
    """Phantoms of a modality are rendered without some structures; those of the fundus with more lesions."""
    render = import_module(f"craft.datasets.phantoms.{modality}.render")
    with ExitStack() as patches:
        for structure in structures:
            name, step = STEPS[structure](render)
            patches.enter_context(patch.object(render, name, step))
        if more_lesions > 1:
            patches.enter_context(patch.object(render, "add_lesions", repeated(render.add_lesions, more_lesions)))
        yield


def repeated(step, times: int):
    def many(*arguments) -> None:
        for _ in range(times):
            step(*arguments)

    return many


def leave_out_vessels(render):
    absorb = render.absorb

    def step(canvas, transmission, opacity) -> None:
        if transmission is not render.ARTERY and transmission is not render.VEIN:
            absorb(canvas, transmission, opacity)

    return "absorb", step


def leave_out_disc(render):
    add_retina = render.add_retina

    def step(*arguments):
        # the retina itself paints nothing but disc and cup
        with patch.object(render, "paint", lambda canvas, colour, opacity: canvas):
            return add_retina(*arguments)

    return "add_retina", step


def leave_out_lungs(render):
    lungs = render.lungs

    def step(*arguments):
        air, cavity = lungs(*arguments)
        return np.zeros_like(air), cavity

    return "lungs", step


def leave_out_ribs(render):
    bones = render.bones
    return "bones", lambda drawn, *arguments: bones(replace(drawn, rib_contrast=0.0), *arguments)


STEPS = {
    "vessels": leave_out_vessels,
    "disc": leave_out_disc,
    "lungs": leave_out_lungs,
    "ribs": leave_out_ribs,
    "heart": lambda render: ("heart", lambda drawn, x, y, softness: np.zeros_like(x)),
    "lesion": lambda render: ("coverage", lambda distance, softness: np.zeros_like(distance)),
    "nuclei": lambda render: ("stamp", lambda size, *arguments: np.zeros((size, size), dtype=np.float32)),
}


def draw_phantoms(modality: str, seed: int, each: int) -> tuple[list[np.ndarray], list[str]]:
    """`each` phantoms of every label of a modality at 64 pixels, and their labels."""
    drawing = find_modality(modality)
    labels = [label for label in drawing.labels for _ in range(each)]
    images = [make_phantom(drawing, label, SIZE, seed, number % each).image for number, label in enumerate(labels)]
    return images, labels
