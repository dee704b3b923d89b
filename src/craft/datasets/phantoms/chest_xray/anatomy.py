"""What the coarse caption of a chest radiograph phantom says of body and film; none of it depends on the label."""

from craft.datasets.phantoms.chest_xray.attributes import Chest
from craft.datasets.phantoms.phrases import graded


def anatomy(drawn: Chest) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    seen = (
        "a gas bubble in the stomach" if drawn.gastric_bubble else "no gas in the stomach",
        "breast shadows" if drawn.breast else "no breast shadows",
        graded(drawn.inspiration, 0.4, 0.7, ("shallow inspiration", "", "deep inspiration")),
        graded(drawn.habitus, 0.25, 0.6, ("a slim body", "", "much soft tissue around the chest")),
        graded(drawn.chest_width, 0.75, 0.8, ("a narrow chest", "", "a wide chest")),
        "a rotated patient" if abs(drawn.rotation) > 0.4 else "",
        graded(drawn.rib_contrast, 0.7, 0.87, ("faint ribs", "", "clear ribs")),
        graded(drawn.contrast, 0.93, 1.1, ("a soft film", "", "a hard film")),
    )
    return [phrase for phrase in seen if phrase]
