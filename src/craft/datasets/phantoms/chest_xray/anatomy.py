"""What the coarse caption of a chest radiograph phantom says of body and film; none of it depends on the label."""

from craft.datasets.phantoms.chest_xray.attributes import Chest


def anatomy(drawn: Chest) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    seen = ["a gas bubble in the stomach" if drawn.gastric_bubble else "no gas in the stomach"]
    seen.append("breast shadows" if drawn.breast else "no breast shadows")
    if drawn.inspiration < 0.4:
        seen.append("shallow inspiration")
    elif drawn.inspiration > 0.7:
        seen.append("deep inspiration")
    if drawn.habitus < 0.25:
        seen.append("a slim body")
    elif drawn.habitus > 0.6:
        seen.append("much soft tissue around the chest")
    if drawn.chest_width < 0.75:
        seen.append("a narrow chest")
    elif drawn.chest_width > 0.8:
        seen.append("a wide chest")
    if abs(drawn.rotation) > 0.4:
        seen.append("a rotated patient")
    if drawn.rib_contrast > 0.87:
        seen.append("clear ribs")
    elif drawn.rib_contrast < 0.7:
        seen.append("faint ribs")
    if drawn.contrast > 1.1:
        seen.append("a hard film")
    elif drawn.contrast < 0.93:
        seen.append("a soft film")
    return seen
