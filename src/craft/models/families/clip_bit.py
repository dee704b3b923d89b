"""CLIP with a Big Transfer tower: group normalisation and standardised weights."""

from craft.models.architectures import text_config
from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining


def configure(training: EvaluatorTraining, tokenizer):
    """CLIP with a Big Transfer tower: bottlenecks, group normalisation, standardised weights; causal text."""
    from transformers import BitConfig

    width = training.width
    vision = BitConfig(
        embedding_size=width // 2,
        hidden_sizes=[width // 2, width, width, 2 * width],
        hidden_size=2 * width,
        depths=[1, 1, 1, 1],
        layer_type="bottleneck",
        num_groups=8,
    )
    return vision, text_config(tokenizer, width, 2)


FAMILY = Family(configure)
