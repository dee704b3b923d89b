"""CLIP's first shape (Radford et al. 2021): a ResNet and a causal text transformer."""

from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining
from craft.models.texts import text_config
from craft.models.towers import resnet


def configure(training: EvaluatorTraining, tokenizer):
    """See `Family.configure`."""
    return resnet.configure(training.width), text_config(tokenizer, training.width, 2)


FAMILY = Family(configure)
