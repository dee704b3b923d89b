"""Textual inversion (Gal et al. 2022, arXiv 2208.01618): a word for every label, and LoRA weights if asked."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from craft.core.settings import Positive
from craft.training.methods.base import PROMPTS
from craft.training.methods.denoising import DenoisingMethod
from craft.training.settings import LoraSettings

if TYPE_CHECKING:
    from torch import nn

    from craft.knowledge.schema import Knowledge
    from craft.models.foundation import Foundation


class TextualInversionMethod(DenoisingMethod):
    """The embeddings of one new word for every label, alone or together with a LoRA adapter."""

    learns_words: ClassVar = True

    kind: Literal["textual_inversion"] = Field(
        description="a word for every label, learned from the real training images, with LoRA weights if asked"
    )
    prompts: Literal["learned"] = Field("learned", description=PROMPTS)
    vectors: Positive = Field(2, description="tokens that a word stands for")
    lora: LoraSettings | None = Field(
        None, description="shape of an adapter that is trained with the words; null: none"
    )

    def parameters(self, foundation: "Foundation", knowledge: "Knowledge") -> list["nn.Parameter"]:
        """See `DenoisingMethod.parameters`."""
        from craft.models.words import word_of

        starts = {word_of(label): known.name for label, known in knowledge.labels.items()}
        words = foundation.learn_words(starts, self.vectors)
        if not self.lora:
            return words
        adapter = (
            foundation.adapter_parameters() if foundation.has_adapter else foundation.add_adapter(**dict(self.lora))
        )
        return [*words, *adapter]


METHOD = TextualInversionMethod
