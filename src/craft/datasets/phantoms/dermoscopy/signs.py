"""Which checklist statements are true of a dermoscopy phantom, from its attributes."""

from typing import Any

from craft.datasets.phantoms.signs import Predicate, above, negate, said_of


def keratin(attributes: dict[str, Any]) -> bool | None:
    """True without cysts and openings, False with several of both."""
    if attributes["cysts"] == attributes["openings"] == 0:
        return True
    return False if attributes["cysts"] > 2 and attributes["openings"] > 1 else None


asymmetric = above("asymmetry", 0.55, 0.32)
notched = above("border_irregularity", 0.55, 0.32)
colourful = above("colour_count", 3, 2)
veiled = above("blue_grey_share", 0.06, 0.0)
streaked = above("streaks", 1, 0)
sharp = above("edge_sharpness", 0.70, 0.35)
uneven = above("network_atypia", 0.55, 0.32)

SIGNS: dict[str, Predicate] = {
    "the lesion is asymmetric in shape and colour": asymmetric,
    "the lesion is symmetric in shape and colour": negate(asymmetric),
    "the lesion has an irregular notched border": notched,
    "the lesion has a smooth regular border": negate(notched),
    "the lesion has many colours, with black, red, white or blue-grey areas": colourful,
    "the lesion has a uniform brown colour": negate(colourful),
    "a blue-white veil covers part of the lesion": veiled,
    "the lesion has no blue-white veil": negate(veiled),
    "the lesion has dark streaks at the edge": streaked,
    "the lesion has no streaks at the edge": negate(streaked),
    "the lesion has a sharp waxy border and looks stuck on the skin": sharp,
    "the lesion has a border that fades into the skin": negate(sharp),
    "the lesion has a regular pigment network or regular globules": said_of(
        lambda attributes: attributes["network"] > 0 or attributes["globules"] > 2, negate(uneven)
    ),
    "the lesion has an atypical pigment network with broad uneven lines": said_of(
        lambda attributes: attributes["network"] > 0, uneven
    ),
    "the lesion has irregular dots and globules": said_of(lambda attributes: attributes["globules"] > 2, uneven),
    "the lesion has a black blotch away from its centre": above("black_share", 0.0),
    "the lesion has white scar-like areas": above("white_share", 0.0),
    "the lesion has milia-like cysts, small round white dots": above("cysts", 2, 0),
    "the lesion has comedo-like openings, dark round plugs": above("openings", 1, 0),
    "the lesion has no milia-like cysts and no comedo-like openings": keratin,
    "the lesion has fissures and ridges, a brain-like surface": above("ridges", 0.35, 0.0),
    "the lesion has no pigment network": negate(above("network", 0.0)),
}
