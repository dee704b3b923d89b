"""The caption of a chest radiograph phantom, written from its attributes."""

import numpy as np

from craft.datasets.phantoms.chest_xray.attributes import BLUNTED, HIDDEN, NAMES, Chest

OPENINGS = ("frontal chest radiograph", "chest radiograph", "chest x-ray", "frontal chest x-ray")


def heart_signs(drawn: Chest) -> list[str]:
    """What is seen of the heart, the leading sign first; nothing if fluid hides it."""
    if drawn.left_fluid > 0.35:
        return []
    ratio = drawn.cardiothoracic_ratio
    if ratio < 0.50:
        seen = ["a heart of normal size", "a heart narrower than half of the chest"]
    elif ratio < 0.52:
        seen = ["a heart of borderline size"]
    elif ratio < 0.56:
        seen = ["a mildly enlarged heart", "a heart wider than half of the chest"]
    else:
        seen = ["an enlarged heart", "a heart wider than half of the chest"]
    if drawn.apex_gap < 0.11:
        seen.append("an apex close to the left chest wall")
    elif drawn.apex_gap > 0.14:
        seen.append("an apex far from the left chest wall")
    if drawn.roundness > 0.6:
        seen.append("a bulging left heart border")
    elif drawn.roundness < 0.3:
        seen.append("a gently curved left heart border")
    return seen


def fluid_signs(drawn: Chest) -> list[str]:
    """What is seen of pleura and diaphragm, the leading sign first."""
    height = drawn.fluid
    if height < 0.03:
        return ["sharp costophrenic angles", "no fluid meniscus", "two clearly outlined diaphragm domes"]
    both = min(drawn.right_fluid, drawn.left_fluid) >= BLUNTED
    side = "on both sides" if both else "on the right" if drawn.right_fluid == height else "on the left"
    if height < 0.09:
        return [f"a slightly blunted costophrenic angle {side}", "no fluid meniscus"]
    seen = [f"a blunted costophrenic angle {side}"]
    if height > HIDDEN:
        amount = "large " if height > 0.45 else ""
        hidden = ["a diaphragm dome hidden by fluid", f"a white lung base {side}"]
        seen = [f"a {amount}fluid meniscus {side}", *hidden, *seen]
    elif height > 0.11:
        seen.append(f"a small fluid meniscus {side}")
    if abs(drawn.mediastinal_shift) > 0.012:
        seen.append("a heart pushed to the other side")
    return seen


def lung_signs(drawn: Chest) -> list[str]:
    """What is seen of the lungs, the leading sign first."""
    density = drawn.opacity_density
    if not density:
        return ["no airspace opacity", "clear dark lungs"][: 2 if drawn.fluid < HIDDEN else 1]
    where = f"in the {drawn.opacity_lobe}"
    if density < 0.3:
        return [f"a faint patch {where}"]
    kind = "hazy" if density < 0.5 else "white"
    extent = "large " if drawn.opacity_size > 0.14 else "small " if drawn.opacity_size < 0.10 else ""
    bronchi = "dark air bronchograms" if drawn.air_bronchograms else "no air bronchograms"
    return [f"a {extent}{kind} airspace opacity {where}", bronchi, "a lung zone whiter than the other side"]


def describe(drawn: Chest, rng: np.random.Generator) -> str:
    """Caption of at most 28 words: the label, its leading signs and what else is seen or stated as absent."""
    link = str(rng.choice(["with", "showing"]))
    words = [f"{rng.choice(OPENINGS)} {link} {NAMES[drawn.label]}"]
    groups = [heart_signs(drawn), fluid_signs(drawn), lung_signs(drawn)]
    own = {"cardiomegaly": 0, "pleural_effusion": 1, "consolidation": 2}.get(drawn.label)
    if own is None:
        signs = [str(rng.choice(group)) for group in groups]
    else:
        first, *rest = groups.pop(own)
        signs = [first, *rng.permutation(rest)[: int(rng.integers(1, 3))]]
        signs += [str(rng.choice(groups[k][:2])) for k in rng.permutation(2)[: int(rng.integers(1, 3))] if groups[k]]
    while len(", ".join(words + signs).split()) > 28 or len(signs) > 4:
        signs.pop()
    return ", ".join(words + [str(signs[k]) for k in rng.permutation(len(signs))])
