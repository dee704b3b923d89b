"""The phantom modalities by name; a renderer is imported when it is asked for."""

from craft.core.errors import CraftError
from craft.datasets.phantoms.base import Modality

MODALITIES = ("chest_xray", "dermoscopy", "fundus", "histopathology")


def find_modality(name: str) -> Modality:
    """The modality called `name`.

    Raises:
        CraftError: if there are no phantoms of that modality.
    """
    # plain import statements, so that the import closure of a script holds all renderers
    match name:
        case "chest_xray":
            from craft.datasets.phantoms.chest_xray import MODALITY
        case "dermoscopy":
            from craft.datasets.phantoms.dermoscopy import MODALITY
        case "fundus":
            from craft.datasets.phantoms.fundus import MODALITY
        case "histopathology":
            from craft.datasets.phantoms.histopathology import MODALITY
        case _:
            raise CraftError(f"there are no phantoms of modality {name!r}; write one of {', '.join(MODALITIES)}")
    return MODALITY
