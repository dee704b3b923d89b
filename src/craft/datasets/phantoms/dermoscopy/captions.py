"""The caption of a dermoscopy phantom, written from its attributes."""

import numpy as np

from craft.datasets.phantoms.dermoscopy.anatomy import skin
from craft.datasets.phantoms.dermoscopy.attributes import NAMES, Lesion
from craft.datasets.phantoms.phrases import graded

MOST_WORDS = 28  # a caption of a modality is never longer
OVERLAP = (0.32, 0.55)  # where the labels overlap in attributes from 0 to 1


def describe(a: Lesion, rng: np.random.Generator) -> str:
    """Write the detailed caption: the label and up to four signs, one of them often an absent one."""
    seen = [
        graded(a.asymmetry, *OVERLAP, ("symmetric", "mildly asymmetric", "asymmetric")) + " in shape and colour",
        graded(
            a.border_irregularity,
            *OVERLAP,
            ("smooth regular border", "mildly irregular border", "irregular notched border"),
        ),
        "uniform brown colour" if a.colour_count < 3 else "a few colours" if a.colour_count == 3 else "many colours",
    ]
    missing = []
    for value, clear, faint, strong, none in (
        (a.blue_grey_share, 0.06, "a faint blue-white veil", "a blue-white veil", "no blue-white veil"),
        (a.black_share, 0.0, "", "a black blotch", "no black blotch"),
        (a.white_share, 0.0, "", "white scar-like areas", "no white scar-like areas"),
        (a.streaks, 1, "a single dark streak at the edge", "dark streaks at the edge", "no streaks at the edge"),
        (a.cysts, 2, "a few milia-like cysts", "milia-like cysts", "no milia-like cysts"),
        (a.openings, 1, "a single comedo-like opening", "comedo-like openings", "no comedo-like openings"),
        (a.ridges, 0.35, "faint fissures and ridges", "fissures and ridges", "no fissures or ridges"),
    ):
        (seen if value else missing).append(strong if value > clear else faint if value else none)
    even = a.network_atypia
    if a.network:
        names = ("a regular pigment network", "a slightly uneven pigment network", "an atypical pigment network")
        seen.append(graded(even, *OVERLAP, names))
    else:
        missing.append("no pigment network")
    if a.globules > 2:
        seen.append(
            graded(even, *OVERLAP, ("regular globules", "slightly uneven globules", "irregular dots and globules"))
        )
    if a.edge_sharpness > 0.7:
        seen.append("a sharp waxy border")
    elif a.edge_sharpness < 0.35:
        missing.append("a border that fades into the skin")
    signs = list(rng.permutation(seen)[: rng.integers(2, 4)]) + list(rng.permutation(missing)[: rng.integers(0, 2)])
    signs = list(rng.permutation(signs))
    start = rng.choice(("dermoscopy of a", "a dermoscopy image of a", "dermoscopic view of a"))
    where = f" on {skin(a)}" if rng.random() < 0.5 else ""
    opening = f"{start} {NAMES[a.label]}{where}"
    while len(", ".join([opening, *signs]).split()) > MOST_WORDS:
        signs.pop()
    return ", ".join([opening, *signs])
