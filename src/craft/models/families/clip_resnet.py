"""CLIP's first shape: basic residual blocks with batch normalisation."""

from craft.models.architectures import text_config
from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining


def configure(training: EvaluatorTraining, tokenizer):
    """CLIP's first shape (Radford et al. 2021): basic residual blocks with batch normalisation; causal text."""
    from transformers import ResNetConfig

    width = training.width
    vision = ResNetConfig(
        embedding_size=width // 4,
        hidden_sizes=[width // 4, width // 2, width, 2 * width],
        hidden_size=2 * width,
        depths=[1, 1, 1, 1],
        layer_type="basic",
    )
    return vision, text_config(tokenizer, width, 2)


FAMILY = Family(configure)
