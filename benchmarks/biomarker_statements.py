"""Which drawn attributes of a phantom make which checklist statement true, one table per modality.

A table maps an item's `present` statement to a predicate of the phantom's attributes: True where the statement holds,
False where its contradiction holds, None where neither is said (the words between the two, such as *mildly
asymmetric*). The limits are those at which the phantom's own caption changes its words.
"""

from collections.abc import Callable
from typing import Any

Predicate = Callable[[dict[str, Any]], bool | None]


def above(key: str, high: float, low: float | None = None) -> Predicate:
    """True where the attribute exceeds `high`, False at `low` or less (default: `high`), None between."""
    floor = high if low is None else low
    return lambda attributes: True if attributes[key] > high else False if attributes[key] <= floor else None


def negate(predicate: Predicate) -> Predicate:
    """The contradiction of a predicate."""
    return lambda attributes: None if (said := predicate(attributes)) is None else not said


def said_of(shown: Callable[[dict[str, Any]], bool], predicate: Predicate) -> Predicate:
    """The predicate where the structure that it speaks of is shown, else None."""
    return lambda attributes: predicate(attributes) if shown(attributes) else None


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
}


def fluid(attributes: dict[str, Any]) -> float:
    """The larger of the two fluid heights."""
    return max(attributes["right_fluid"], attributes["left_fluid"])


def apex_gap(attributes: dict[str, Any]) -> float:
    """Distance of the cardiac apex from the left inner chest wall."""
    middle = attributes["mediastinal_shift"] + 0.012 * attributes["rotation"]
    return attributes["chest_width"] * (0.5 - attributes["cardiothoracic_ratio"] * attributes["left_share"]) - middle


def between(value: Callable[[dict[str, Any]], float], low: float, high: float) -> Predicate:
    """True where a derived value exceeds `high`, False below `low`, None between."""
    return lambda attributes: True if value(attributes) > high else False if value(attributes) < low else None


def heart_seen(predicate: Predicate) -> Predicate:
    """The predicate where no fluid on the left hides the heart."""
    return said_of(lambda attributes: attributes["left_fluid"] <= 0.35, predicate)


enlarged = heart_seen(above("cardiothoracic_ratio", 0.52, 0.50))
far_apex = heart_seen(between(apex_gap, 0.11, 0.14))
blunted = between(fluid, 0.03, 0.09)
meniscus = between(fluid, 0.09, 0.11)
white_base = between(fluid, 0.03, 0.20)
opaque = above("opacity_density", 0.30, 0.0)
# fluid that hides a dome makes a lung zone white too
whiter_zone = said_of(lambda attributes: fluid(attributes) < 0.20, opaque)

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


def spots(attributes: dict[str, Any]) -> int:
    """Lesions within the retina."""
    return attributes["haemorrhage_count"] + attributes["exudate_count"] + attributes["cotton_wool_count"]


def beyond_retina(attributes: dict[str, Any]) -> bool | None:
    """Whether new vessels, pooled blood or fibrous bands are there; a small tuft alone is neither."""
    if attributes["neovascularisation"] >= 0.046 or attributes["preretinal_haemorrhage"] or attributes["fibrosis"]:
        return True
    return None if attributes["neovascularisation"] else False


def clear(attributes: dict[str, Any]) -> bool | None:
    """True without any lesion, False with several within the retina."""
    if spots(attributes) > 1:
        return False
    return (
        True
        if spots(attributes) == 0 and not beyond_retina(attributes) and not attributes["neovascularisation"]
        else None
    )


def both_kinds(attributes: dict[str, Any]) -> bool | None:
    """True with bright and dark spots, False with none at all."""
    if attributes["haemorrhage_count"] and spots(attributes) > attributes["haemorrhage_count"]:
        return True
    return False if spots(attributes) == 0 else None


bleeding = above("haemorrhage_count", 1, 0)
exudates = above("exudate_count", 1, 0)
cotton_wool = above("cotton_wool_count", 0)
tangled = between(lambda attributes: attributes["neovascularisation"], 0.001, 0.046)
pooled = above("preretinal_haemorrhage", 0.025, 0.0)
fibrous = above("fibrosis", 0.0)

FUNDUS: dict[str, Predicate] = {
    "several dark red haemorrhages lie on the retina": bleeding,
    "there are no haemorrhages on the retina": negate(bleeding),
    "bright yellow hard exudates lie near the macula": exudates,
    "there are no hard exudates": negate(exudates),
    "pale fluffy cotton wool spots lie on the retina": cotton_wool,
    "there are no cotton wool spots": negate(cotton_wool),
    "a tangle of fine new vessels grows on the disc or along the arcade": tangled,
    "there are no new vessels on the disc or along the arcade": negate(tangled),
    "a reddish tuft of winding fine vessels is visible": above("neovascularisation", 0.0),
    "a tangle of fine new vessels covers the disc": lambda attributes: attributes["neovascular_site"] == "disc",
    "a large boat-shaped preretinal haemorrhage covers the retina": pooled,
    "there is no preretinal haemorrhage": negate(pooled),
    "pale fibrous bands run along the arcade": fibrous,
    "there are no fibrous bands": negate(fibrous),
    "the orange-red retina and the macula are clear, without dark or bright lesions": clear,
    "bright and dark spots lie within the retina and its vessels run undisturbed beneath them": both_kinds,
    "abnormal growth reaches beyond the retina, as new vessels, fibrous tissue or pooled blood": beyond_retina,
}


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

HISTOPATHOLOGY: dict[str, Predicate] = {
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

# Statements of the phantoms' labels that no measure tells, and why; they name no biomarker in the knowledge bank.
DROPPED = {
    "dermoscopy": "fissures and ridges, and presence of a pigment network: at 64 px their lines look alike, and the"
    " best measure of a network's texture reached 0.72 on the phantoms it was chosen on",
    "chest_xray": "air bronchograms: no measure passed 0.64; hidden lung vessels: not measured",
}

STATEMENTS = {
    "dermoscopy": DERMOSCOPY,
    "chest_xray": CHEST_XRAY,
    "fundus": FUNDUS,
    "histopathology": HISTOPATHOLOGY,
}
