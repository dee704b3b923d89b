"""Fundus photographs of diabetic retinopathy: no retinopathy, nonproliferative and proliferative.

Anatomy is laid out in eye coordinates (u towards the temple, v down, the optic disc at the origin, unit = image side)
and mapped to the image, so one layout serves both eyes. Blood and pigment absorb: they multiply the canvas by a
transmission colour; exudates, cotton wool and fibrous tissue scatter: they are painted over it.
"""

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.fundus.anatomy import anatomy
from craft.datasets.phantoms.fundus.attributes import draw
from craft.datasets.phantoms.fundus.captions import NAMES, describe
from craft.datasets.phantoms.fundus.render import render
from craft.datasets.phantoms.fundus.signs import SIGNS

MODALITY = Modality(
    name="fundus",
    labels=tuple(NAMES),
    coarse_captions=(
        "a colour fundus photograph of the retina",
        "a retinal fundus photograph centred on the posterior pole",
        "a photograph of the back of the eye with the optic disc, macula and vessels",
        "a round colour photograph of the ocular fundus on a black background",
    ),
    anatomy=anatomy,
    draw=draw,
    render=render,
    describe=describe,
    signs=SIGNS,
)
