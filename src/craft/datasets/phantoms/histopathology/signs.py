"""Which checklist statements are true of a histopathology phantom, from its attributes."""

from typing import Any

from craft.datasets.phantoms.signs import Predicate, above, between, negate, said_of


def has_lumen(attributes: dict[str, Any]) -> bool:
    """Whether a lumen is drawn."""
    return attributes["gland_share"] > 0


def mucinous(attributes: dict[str, Any]) -> bool | None:
    """True with mucin around a lumen, False without a lumen or with hardly any mucin."""
    if has_lumen(attributes) and attributes["mucin"] > 0.55:
        return True
    return False if not has_lumen(attributes) or attributes["mucin"] < 0.20 else None


disordered = between(lambda attributes: 1.0 - attributes["polarity"], 0.34, 0.62)
pleomorphic = between(lambda attributes: attributes["pleomorphism"], 0.15, 0.24)
dark = between(lambda attributes: attributes["hyperchromasia"], 0.34, 0.55)
crowded = between(lambda attributes: attributes["crowding"], 0.32, 0.55)
irregular = said_of(has_lumen, between(lambda attributes: attributes["gland_irregularity"], 0.30, 0.52))
open_lumen = above("gland_share", 0.06, 0.0)
pearl = above("keratin_share", 0.035, 0.0)
polygonal = above("cell_borders", 0.45, 0.0)
# captions do not speak of stroma: the middle of the drawn range is left out
little_stroma = between(lambda attributes: attributes["nest_share"], 0.42, 0.58)

SIGNS: dict[str, Predicate] = {
    "the tile shows irregular fused glands": irregular,
    "the tile shows round regular glands": negate(irregular),
    "the epithelium holds disordered nuclei at all heights": disordered,
    "the glands are lined by nuclei in an even basal row": negate(disordered),
    "the epithelium has pleomorphic nuclei of varying size and shape": pleomorphic,
    "the epithelium has uniform nuclei of one size": negate(pleomorphic),
    "the epithelium has dark hyperchromatic nuclei": dark,
    "the epithelium has pale nuclei": negate(dark),
    "the epithelium has crowded overlapping nuclei": crowded,
    "the epithelium has evenly spaced nuclei": negate(crowded),
    "the glands have open pale lumina": open_lumen,
    "there are no gland lumina": negate(open_lumen),
    "the tumour forms small pale lumina within one epithelial mass": said_of(
        lambda attributes: attributes["gland_share"] < 0.06, has_lumen
    ),
    "the tumour grows in solid nests": negate(has_lumen),
    "there are no solid nests": has_lumen,
    "little stroma is left between irregular glands": little_stroma,
    "abundant pink stroma lies between round regular glands": negate(little_stroma),
    "the cells hold pale mucin around the lumina": mucinous,
    "there is no mucin in the cells": negate(mucinous),
    "a keratin pearl of concentric bright pink whorls is seen": pearl,
    "there is no keratin pearl": negate(pearl),
    "the nests are made of polygonal pink cells with visible borders": polygonal,
    "there are no polygonal pink cells": negate(polygonal),
}
