"""What the coarse caption of a fundus phantom says of its anatomy; none of it depends on the label."""

from craft.datasets.phantoms.fundus.attributes import FundusAttributes


def anatomy(drawn: FundusAttributes) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    side = "left" if drawn.disc_x < 0 else "right"
    seen = [f"{drawn.eye} eye", f"optic disc on the {side}"]
    if drawn.pigmentation < 0.33:
        seen.append("light orange fundus")
    elif drawn.pigmentation > 0.67:
        seen.append("dark brown fundus")
    if drawn.field_crop < 0.44:
        seen.append("field cut off above and below")
    elif drawn.field_crop > 0.5:
        seen.append("full round field")
    if drawn.tortuosity < 0.2:
        seen.append("straight vessels")
    elif drawn.tortuosity > 0.5:
        seen.append("winding vessels")
    if drawn.cup_ratio < 0.35:
        seen.append("small cup")
    elif drawn.cup_ratio > 0.5:
        seen.append("large cup")
    if drawn.exposure < 0.91:
        seen.append("dark photograph")
    elif drawn.exposure > 1.01:
        seen.append("bright photograph")
    return seen
