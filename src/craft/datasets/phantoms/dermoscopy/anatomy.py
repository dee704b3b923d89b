"""What the coarse caption of a dermoscopy phantom says of skin and picture; none of it depends on the label."""

from craft.datasets.phantoms.dermoscopy.attributes import Lesion

HAIRS = ("no hairs", "a single hair", "two hairs", "several hairs")


def anatomy(drawn: Lesion) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    tone = "fair" if drawn.skin_tone < 0.33 else "brown" if drawn.skin_tone < 0.67 else "dark"
    seen = [f"{tone} skin", HAIRS[drawn.hairs]]
    if drawn.vignette > 0.5:
        seen.append("dark corners")
    elif drawn.vignette < 0.1:
        seen.append("evenly lit")
    if drawn.elongation > 1.32:
        seen.append("an elongated lesion")
    elif drawn.elongation < 1.15:
        seen.append("a lesion as wide as high")
    if abs(drawn.centre_x) > 0.035:
        seen.append(f"lesion {'left' if drawn.centre_x < 0 else 'right'} of the centre")
    if drawn.exposure < 0.95:
        seen.append("dark photograph")
    elif drawn.exposure > 1.05:
        seen.append("bright photograph")
    return seen
