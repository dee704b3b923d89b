"""Phantom of the frontal chest radiograph: an upright thorax seen from the front, air dark and tissue white.

Drawing is in body coordinates: the spine at x = 0, y down, the patient's left at positive x as on a viewing box. The
layers add up to an attenuation between 0 (air) and 1 (bone) that a film curve turns into grey.
"""

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.chest_xray.anatomy import anatomy
from craft.datasets.phantoms.chest_xray.attributes import NAMES, draw
from craft.datasets.phantoms.chest_xray.captions import describe
from craft.datasets.phantoms.chest_xray.render import render
from craft.datasets.phantoms.chest_xray.signs import SIGNS

MODALITY = Modality(
    name="chest_xray",
    labels=tuple(NAMES),
    coarse_captions=(
        "a frontal chest radiograph",
        "a chest x-ray with lungs, ribs and heart",
        "a posteroanterior radiograph of the chest",
        "a grey x-ray image of the thorax",
    ),
    anatomy=anatomy,
    draw=draw,
    render=render,
    describe=describe,
    signs=SIGNS,
)
