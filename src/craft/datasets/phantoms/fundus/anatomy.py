"""What the coarse caption of a fundus phantom says of its anatomy; none of it depends on the label."""

from craft.datasets.phantoms.fundus.attributes import FundusAttributes
from craft.datasets.phantoms.phrases import graded


def anatomy(drawn: FundusAttributes) -> list[str]:
    """Phrases that are true of the image and name no sign of disease."""
    seen = (
        f"{drawn.eye} eye",
        f"optic disc on the {'left' if drawn.disc_x < 0 else 'right'}",
        graded(drawn.pigmentation, 0.33, 0.67, ("light orange fundus", "", "dark brown fundus")),
        graded(drawn.field_crop, 0.44, 0.5, ("field cut off above and below", "", "full round field")),
        graded(drawn.tortuosity, 0.2, 0.5, ("straight vessels", "", "winding vessels")),
        graded(drawn.cup_ratio, 0.35, 0.5, ("small cup", "", "large cup")),
        graded(drawn.exposure, 0.91, 1.01, ("dark photograph", "", "bright photograph")),
    )
    return [phrase for phrase in seen if phrase]
