"""What the coarse caption of a histopathology phantom says of stroma and stain; none of it depends on the label."""

from math import pi

from craft.datasets.phantoms.histopathology.attributes import Tissue
from craft.datasets.phantoms.phrases import graded

DIRECTIONS = ("horizontal", "diagonal", "vertical", "diagonal")


def anatomy(drawn: Tissue) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    direction = DIRECTIONS[round(4 * drawn.orientation / pi) % 4]
    seen = (
        "orange-pink stain" if drawn.warmth > 0.7 else "magenta stain",
        f"{direction} fibres" if drawn.fibres > 0.55 else "smooth stroma",
        "few stromal nuclei" if drawn.stromal_count < 4 else "several stromal nuclei",
        graded(drawn.eosin, 0.9, 1.1, ("pale eosin", "", "strong eosin")),
        graded(drawn.haematoxylin, 0.94, 1.06, ("pale haematoxylin", "", "strong haematoxylin")),
    )
    return [phrase for phrase in seen if phrase]
