"""Which checklist statements are true of a fundus phantom, from its attributes."""

from typing import Any

from craft.datasets.phantoms.signs import Predicate, above, between, negate


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

SIGNS: dict[str, Predicate] = {
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
