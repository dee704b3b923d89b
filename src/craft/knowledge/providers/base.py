"""What a language model of any provider does here: it answers one question, with or without images, in a structure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from pydantic import BaseModel

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Question:
    """One question to a language model.

    Attributes:
        system: what the model is to be.
        text: the question, with everything the answer may rest on.
        images: uint8 arrays of shape (height, width, 3) that the question is about.
    """

    system: str
    text: str
    images: Sequence[np.ndarray] = ()


class LanguageModel(Protocol):
    """A language model behind any provider.

    Attributes:
        name: provider and model, for provenance, for example `openai:gpt-4o`.
    """

    name: str

    def answer(self, question: Question, structure: type[Answer]) -> Answer:
        """The validated answer, from the cache where the same question was answered before.

        Raises:
            CraftError: if the model cannot be reached, refuses, or never follows the structure.
        """
        ...
