"""What the coarse caption of a dermoscopy phantom says of skin and picture; none of it depends on the label."""

from craft.datasets.phantoms.dermoscopy.attributes import Lesion
from craft.datasets.phantoms.phrases import graded

HAIRS = ("no hairs", "a single hair", "two hairs", "several hairs")


def anatomy(drawn: Lesion) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    seen = (
        skin(drawn),
        HAIRS[drawn.hairs],
        graded(drawn.vignette, 0.1, 0.5, ("evenly lit", "", "dark corners")),
        graded(drawn.elongation, 1.15, 1.32, ("a lesion as wide as high", "", "an elongated lesion")),
        graded(drawn.centre_x, -0.035, 0.035, ("lesion left of the centre", "", "lesion right of the centre")),
        graded(drawn.exposure, 0.95, 1.05, ("dark photograph", "", "bright photograph")),
    )
    return [phrase for phrase in seen if phrase]


def skin(drawn: Lesion) -> str:
    """The tone of the skin."""
    return graded(drawn.skin_tone, 0.33, 0.67, ("fair skin", "brown skin", "dark skin"))
