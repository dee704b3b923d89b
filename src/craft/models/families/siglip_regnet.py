"""SigLIP on a RegNet and a BERT: squeeze and excitation, bidirectional text, sigmoid loss."""

from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining


def configure(training: EvaluatorTraining, tokenizer):
    """SigLIP's sigmoid loss on a RegNet-Y (grouped convolutions, squeeze and excitation) and a BERT."""
    from transformers import BertConfig, RegNetConfig

    width = training.width
    vision = RegNetConfig(
        embedding_size=width // 2,
        hidden_sizes=[width // 2, width // 2, width, 2 * width],
        hidden_size=2 * width,
        depths=[1, 1, 2, 1],
        groups_width=16,
        layer_type="y",
    )
    text = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        pad_token_id=tokenizer.pad_token_id,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return vision, text


FAMILY = Family(configure, sigmoid=True)
