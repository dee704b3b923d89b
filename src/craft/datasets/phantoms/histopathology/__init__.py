"""Phantom of histopathology: one haematoxylin and eosin tile of glandular or squamous tissue.

Lobes (glands or nests) are level sets of one distance-like field: lumen inside, epithelium around it, stroma outside.
Nuclei are spread over the epithelium, stains are mixed as optical densities after Beer and Lambert.
"""

from craft.datasets.phantoms.base import Modality
from craft.datasets.phantoms.histopathology.anatomy import anatomy
from craft.datasets.phantoms.histopathology.attributes import NAMES, draw
from craft.datasets.phantoms.histopathology.captions import describe
from craft.datasets.phantoms.histopathology.render import render
from craft.datasets.phantoms.histopathology.signs import SIGNS

MODALITY = Modality(
    name="histopathology",
    labels=tuple(NAMES),
    coarse_captions=(
        "a histopathology image of tissue",
        "histopathology, haematoxylin and eosin stain",
        "an h&e stained tile of tissue under the microscope",
        "a microscope photograph of a stained tissue section",
    ),
    anatomy=anatomy,
    draw=draw,
    render=render,
    describe=describe,
    signs=SIGNS,
)
