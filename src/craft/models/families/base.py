"""What a family of small evaluators provides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from craft.models.settings import EvaluatorTraining


@dataclass(frozen=True)
class Family:
    """An architecture and its loss.

    Attributes:
        configure: settings of the training and a tokenizer -> the `transformers` configurations of the image tower and
            of the text tower, whose inputs are images scaled to [-1, 1].
        sigmoid: whether it is trained with SigLIP's pairwise sigmoid loss instead of CLIP's softmax.
    """

    configure: Callable[[EvaluatorTraining, Any], tuple[Any, Any]]
    sigmoid: bool = False
