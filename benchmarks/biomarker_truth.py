"""Which drawn attributes of a phantom make which checklist statement true, one table a modality.

A table maps an item's `present` statement to a predicate of the phantom's truth: True where the statement holds, False
where its contradiction holds, None where neither is said (the words between the two, such as *mildly asymmetric*).
The limits are those at which the phantom's own caption changes its words.
"""

from collections.abc import Callable
from typing import Any

Predicate = Callable[[dict[str, Any]], bool | None]


def above(key: str, high: float, low: float | None = None) -> Predicate:
    """True where the attribute exceeds `high`, False at `low` or less (default: `high`), None between."""
    floor = high if low is None else low
    return lambda truth: True if truth[key] > high else False if truth[key] <= floor else None


def negate(predicate: Predicate) -> Predicate:
    """The contradiction of a predicate."""
    return lambda truth: None if (said := predicate(truth)) is None else not said


def said_of(shown: Callable[[dict[str, Any]], bool], predicate: Predicate) -> Predicate:
    """The predicate where the structure that it speaks of is shown, else None."""
    return lambda truth: predicate(truth) if shown(truth) else None


def keratin(truth: dict[str, Any]) -> bool | None:
    """True without cysts and openings, False with several of both."""
    if truth["cysts"] == truth["openings"] == 0:
        return True
    return False if truth["cysts"] > 2 and truth["openings"] > 1 else None


asymmetric = above("asymmetry", 0.55, 0.32)
notched = above("border_irregularity", 0.55, 0.32)
colourful = above("colour_count", 3, 2)
veiled = above("blue_grey_share", 0.06, 0.0)
streaked = above("streaks", 1, 0)
sharp = above("edge_sharpness", 0.70, 0.35)
uneven = above("network_atypia", 0.55, 0.32)

DERMOSCOPY: dict[str, Predicate] = {
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
        lambda truth: truth["network"] > 0 or truth["globules"] > 2, negate(uneven)
    ),
    "the lesion has an atypical pigment network with broad uneven lines": said_of(
        lambda truth: truth["network"] > 0, uneven
    ),
    "the lesion has irregular dots and globules": said_of(lambda truth: truth["globules"] > 2, uneven),
    "the lesion has a black blotch away from its centre": above("black_share", 0.0),
    "the lesion has white scar-like areas": above("white_share", 0.0),
    "the lesion has milia-like cysts, small round white dots": above("cysts", 2, 0),
    "the lesion has comedo-like openings, dark round plugs": above("openings", 1, 0),
    "the lesion has no milia-like cysts and no comedo-like openings": keratin,
}


def fluid(truth: dict[str, Any]) -> float:
    """The larger of the two fluid heights."""
    return max(truth["right_fluid"], truth["left_fluid"])


def apex_gap(truth: dict[str, Any]) -> float:
    """Distance of the cardiac apex from the left inner chest wall."""
    middle = truth["mediastinal_shift"] + 0.012 * truth["rotation"]
    return truth["chest_width"] * (0.5 - truth["cardiothoracic_ratio"] * truth["left_share"]) - middle


def between(value: Callable[[dict[str, Any]], float], low: float, high: float) -> Predicate:
    """True where a derived value exceeds `high`, False below `low`, None between."""
    return lambda truth: True if value(truth) > high else False if value(truth) < low else None


def heart_seen(predicate: Predicate) -> Predicate:
    """The predicate where no fluid on the left hides the heart."""
    return said_of(lambda truth: truth["left_fluid"] <= 0.35, predicate)


enlarged = heart_seen(above("cardiothoracic_ratio", 0.52, 0.50))
far_apex = heart_seen(between(apex_gap, 0.11, 0.14))
blunted = between(fluid, 0.03, 0.09)
meniscus = between(fluid, 0.09, 0.11)
white_base = between(fluid, 0.03, 0.20)
opaque = above("opacity_density", 0.30, 0.0)
# fluid that hides a dome makes a lung zone white too
whiter_zone = said_of(lambda truth: fluid(truth) < 0.20, opaque)

CHEST_XRAY: dict[str, Predicate] = {
    "the radiograph shows an enlarged heart": enlarged,
    "the radiograph shows a heart of normal size": negate(enlarged),
    "there is a heart wider than half of the chest": enlarged,
    "there is a heart narrower than half of the chest": negate(enlarged),
    "the heart has an apex close to the left chest wall": negate(far_apex),
    "the heart has a bulging left heart border": heart_seen(above("roundness", 0.60, 0.30)),
    "the radiograph shows a blunted costophrenic angle": blunted,
    "the radiograph shows sharp costophrenic angles": negate(blunted),
    "there is a fluid meniscus along the chest wall": meniscus,
    "there is no fluid meniscus along the chest wall": negate(meniscus),
    "there is a white lung base above the diaphragm": white_base,
    "there is a diaphragm dome hidden by fluid": white_base,
    "there are two clearly outlined diaphragm domes": negate(white_base),
    "the fluid ends in a level that rises towards the chest wall": between(fluid, 0.03, 0.11),
    "there is a white airspace opacity in one of the lungs": opaque,
    "there is no airspace opacity in the lungs": negate(opaque),
    "there is no airspace opacity inside the lungs above the fluid": negate(opaque),
    "the radiograph shows a lung zone whiter than the other side": whiter_zone,
    "the radiograph shows clear dark lungs on both sides": negate(whiter_zone),
}
FUNDUS: dict[str, Predicate] = {}
HISTOPATHOLOGY: dict[str, Predicate] = {}

# Statements of the phantoms' labels that no measure tells, and why; they name no biomarker in the knowledge bank.
DROPPED = {
    "dermoscopy": "fissures and ridges, and presence of a pigment network: at 64 px their lines look alike, and the"
    " best measure of a network's texture reached 0.72 on the phantoms it was chosen on",
    "chest_xray": "air bronchograms: no measure passed 0.64; hidden lung vessels: not measured",
}

TRUTH = {
    "dermoscopy": DERMOSCOPY,
    "chest_xray": CHEST_XRAY,
    "fundus": FUNDUS,
    "histopathology": HISTOPATHOLOGY,
}
