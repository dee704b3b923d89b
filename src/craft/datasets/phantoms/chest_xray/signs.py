"""Which checklist statements are true of a chest radiograph phantom, from its attributes."""

from typing import Any

from craft.datasets.phantoms.chest_xray.attributes import HIDDEN
from craft.datasets.phantoms.signs import Predicate, above, between, negate, said_of


def fluid(attributes: dict[str, Any]) -> float:
    """The larger of the two fluid heights."""
    return max(attributes["right_fluid"], attributes["left_fluid"])


def apex_gap(attributes: dict[str, Any]) -> float:
    """Distance of the cardiac apex from the left inner chest wall."""
    middle = attributes["mediastinal_shift"] + 0.012 * attributes["rotation"]
    return attributes["chest_width"] * (0.5 - attributes["cardiothoracic_ratio"] * attributes["left_share"]) - middle


def heart_seen(predicate: Predicate) -> Predicate:
    """The predicate where no fluid on the left hides the heart."""
    return said_of(lambda attributes: attributes["left_fluid"] <= 0.35, predicate)


enlarged = heart_seen(above("cardiothoracic_ratio", 0.52, 0.50))
far_apex = heart_seen(between(apex_gap, 0.11, 0.14))
blunted = between(fluid, 0.03, 0.09)
meniscus = between(fluid, 0.09, 0.11)
white_base = between(fluid, 0.03, HIDDEN)
opaque = above("opacity_density", 0.30, 0.0)
# fluid that hides a dome makes a lung zone white too
whiter_zone = said_of(lambda attributes: fluid(attributes) < HIDDEN, opaque)
# a hazy opacity lets vessels through
vessels_hidden = said_of(lambda attributes: fluid(attributes) < HIDDEN, above("opacity_density", 0.50, 0.0))

SIGNS: dict[str, Predicate] = {
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
    "the opacity holds dark air bronchograms": lambda attributes: attributes["air_bronchograms"],
    "the opacity hides the lung vessels behind it": vessels_hidden,
}
