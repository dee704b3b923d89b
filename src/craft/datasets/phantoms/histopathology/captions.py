"""The caption of a histopathology phantom, written from its attributes."""

import numpy as np

from craft.datasets.phantoms.histopathology.attributes import NAMES, Tissue
from craft.datasets.phantoms.phrases import graded

MOST_WORDS = 28  # a caption of a modality is never longer


def describe(a: Tissue, rng: np.random.Generator) -> str:
    """Write the detailed caption: the label and up to four signs, one of them often an absent one."""
    seen = [
        graded(1 - a.polarity, 0.34, 0.62, ("nuclei in an even basal row", "partly basal nuclei", "disordered nuclei")),
        graded(a.pleomorphism, 0.15, 0.24, ("uniform nuclei", "mildly pleomorphic nuclei", "pleomorphic nuclei")),
        graded(a.hyperchromasia, 0.34, 0.55, ("pale nuclei", "moderately dark nuclei", "dark hyperchromatic nuclei")),
        graded(a.crowding, 0.32, 0.55, ("evenly spaced nuclei", "mildly crowded nuclei", "crowded overlapping nuclei")),
    ]
    missing = []
    if a.gland_share:
        names = ("round regular glands", "mildly irregular glands", "irregular fused glands")
        shape = graded(a.gland_irregularity, 0.30, 0.52, names)
        seen.append(shape if a.lobes > 2 else shape.replace("fused ", ""))
        seen.append("small pale lumina" if a.gland_share < 0.06 else "open pale lumina")
        missing.append("no solid nests")
    else:
        seen.append("solid nests")
        missing.append("no gland lumina")
    if a.gland_share and a.mucin > 0.55:
        seen.append("pale mucin around the lumina")
    elif not a.gland_share or a.mucin < 0.2:
        missing.append("no mucin")
    for value, clear, faint, strong, none in (
        (a.keratin_share, 0.035, "a small keratin pearl", "a keratin pearl", "no keratin pearl"),
        (a.cell_borders, 0.45, "faint cell borders", "polygonal pink cells", "no polygonal pink cells"),
    ):
        (seen if value else missing).append(strong if value > clear else faint if value else none)
    chosen = [str(sign) for sign in rng.permutation(seen)[: rng.integers(2, 5)]]
    if missing and rng.random() < 0.5:
        chosen[-1] = str(rng.choice(missing))
    signs = [str(sign) for sign in rng.permutation(chosen)]
    start = rng.choice(("histopathology of", "a histopathology image of", "an h&e stained tile of"))
    opening = f"{start} {NAMES[a.label]}"
    while len(", ".join([opening, *signs]).split()) > MOST_WORDS:
        signs.pop()
    return ", ".join([opening, *signs])
