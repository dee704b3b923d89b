"""The caption of a fundus phantom, written from its attributes."""

import numpy as np

from craft.datasets.phantoms.fundus.attributes import FundusAttributes

NAMES = {
    "no_dr": "no diabetic retinopathy",
    "nonproliferative_dr": "nonproliferative diabetic retinopathy",
    "proliferative_dr": "proliferative diabetic retinopathy",
}
OPENINGS = (
    "colour fundus photograph of the {eye} eye with {name}",
    "colour fundus photograph, {eye} eye, {name}",
    "retinal fundus photograph with {name}, {eye} eye",
    "retinal fundus photograph of the {eye} eye showing {name}",
)
ABSENT = {
    "tangle": "no new vessels",
    "pooled": "no preretinal haemorrhage",
    "fibrosis": "no fibrous bands",
    "haemorrhage": "no haemorrhages on the retina",
    "exudate": "no hard exudates",
    "cotton_wool": "no cotton wool spots",
}


def signs(drawn: FundusAttributes) -> dict[str, str]:
    """Phrases of the signs that are present, by sign, in the words of the knowledge file."""
    present = {}
    if drawn.neovascularisation >= 0.046:
        site = "on the disc" if drawn.neovascular_site == "disc" else "along the arcade"
        present["tangle"] = f"a tangle of fine new vessels {site}"
    elif drawn.neovascularisation:
        present["tangle"] = "a small tuft of abnormal vessels"
    if drawn.preretinal_haemorrhage:
        large = "large " if drawn.preretinal_haemorrhage > 0.025 else ""
        present["pooled"] = f"a {large}boat-shaped preretinal haemorrhage"
    if drawn.fibrosis:
        present["fibrosis"] = "pale fibrous bands"
    if drawn.haemorrhage_count == 1:
        present["haemorrhage"] = "a single dark red haemorrhage"
    elif drawn.haemorrhage_count:
        amount = ("a few", "several", "many")[(drawn.haemorrhage_count > 3) + (drawn.haemorrhage_count > 6)]
        present["haemorrhage"] = f"{amount} dark red haemorrhages"
    if drawn.exudate_count == 1:
        present["exudate"] = "a single bright yellow spot"
    elif drawn.exudate_count:
        amount = "a cluster of" if drawn.exudate_clustered else "a few" if drawn.exudate_count < 4 else "scattered"
        present["exudate"] = f"{amount} bright yellow hard exudates"
    if drawn.cotton_wool_count:
        many = drawn.cotton_wool_count > 1
        present["cotton_wool"] = "pale fluffy cotton wool spots" if many else "a pale fluffy cotton wool spot"
    return present


def describe(drawn: FundusAttributes, rng: np.random.Generator) -> str:
    """Caption of at most 28 words: the label, the leading signs present and one or two stated as absent."""
    opening = str(rng.choice(OPENINGS)).format(eye=drawn.eye, name=NAMES[drawn.label])
    present = signs(drawn)
    missing = [ABSENT[sign] for sign in ABSENT if sign not in present]
    denied = [missing[i] for i in rng.permutation(len(missing))[: int(rng.integers(0, 3))]]
    leading = list(present.values())[: 3 if drawn.label == "proliferative_dr" else 4]
    if len(present) < 2:
        denied = [missing[i] for i in rng.permutation(len(missing))[: 3 - len(present)]]
    chosen, words = [], len(opening.split())
    for phrase in leading + denied:
        if len(chosen) < 4 and words + len(phrase.split()) <= 28:
            chosen.append(phrase)
            words += len(phrase.split())
    return ", ".join([opening, *(chosen[i] for i in rng.permutation(len(chosen)))])
