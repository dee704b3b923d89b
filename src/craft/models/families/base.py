"""What a family of small evaluators provides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from craft.models.settings import EvaluatorTraining

# the file in which a saved evaluator names the frozen encoder that is its image tower
TOWER = "tower.json"


@dataclass(frozen=True)
class Family:
    """An architecture and its loss.

    Attributes:
        configure: settings of the training and a tokenizer -> the `transformers` configurations of the image tower and
            of the text tower; no image tower where it is locked.
        sigmoid: whether it is trained with SigLIP's pairwise sigmoid loss instead of CLIP's softmax.
        tower: loader and path of a frozen vision encoder that is its image tower.
    """

    configure: Callable[[EvaluatorTraining, Any], tuple[Any, Any]]
    sigmoid: bool = False
    tower: tuple[str, str] | None = None
