"""What the coarse caption of a histopathology phantom says of stroma and stain; none of it depends on the label."""

from math import pi

from craft.datasets.phantoms.histopathology.attributes import Tissue

DIRECTIONS = ("horizontal", "diagonal", "vertical", "diagonal")


def anatomy(drawn: Tissue) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    direction = DIRECTIONS[round(4 * drawn.orientation / pi) % 4]
    seen = ["orange-pink stain" if drawn.warmth > 0.7 else "magenta stain"]
    if drawn.fibres > 0.55:
        seen.append(f"{direction} fibres")
    else:
        seen.append("smooth stroma")
    seen.append("few stromal nuclei" if drawn.stromal_count < 4 else "several stromal nuclei")
    if drawn.eosin < 0.9:
        seen.append("pale eosin")
    elif drawn.eosin > 1.1:
        seen.append("strong eosin")
    if drawn.haematoxylin < 0.94:
        seen.append("pale haematoxylin")
    elif drawn.haematoxylin > 1.06:
        seen.append("strong haematoxylin")
    return seen
