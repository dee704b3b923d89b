"""Phantom of dermoscopy: one pigmented skin lesion seen through a dermatoscope.

The lesion is a star-shaped outline in an elongated frame. Its brown and black are melanin that absorbs the light of the
skin below, red is haemoglobin, and the blue-white veil, white areas, cysts and plugs lie over them.
"""

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.dermoscopy.anatomy import anatomy
from craft.datasets.phantoms.dermoscopy.attributes import NAMES, draw
from craft.datasets.phantoms.dermoscopy.captions import describe
from craft.datasets.phantoms.dermoscopy.render import render
from craft.datasets.phantoms.dermoscopy.signs import SIGNS

MODALITY = Modality(
    name="dermoscopy",
    labels=tuple(NAMES),
    coarse_captions=(
        "a dermoscopy image of a pigmented skin lesion",
        "dermoscopy of skin",
        "a dermatoscope photograph of a pigmented spot on the skin",
        "a close-up dermoscopic view of a skin lesion",
    ),
    anatomy=anatomy,
    draw=draw,
    render=render,
    describe=describe,
    signs=SIGNS,
)
