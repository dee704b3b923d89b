"""CLIP with a Big Transfer tower and a causal text transformer."""

from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining
from craft.models.texts import text_config
from craft.models.towers import bit


def configure(training: EvaluatorTraining, tokenizer):
    """See `Family.configure`."""
    return bit.configure(training.width), text_config(tokenizer, training.width, 2)


FAMILY = Family(configure)
