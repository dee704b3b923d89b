"""SigLIP's sigmoid loss (Zhai et al. 2023) on a RegNet and a bidirectional text transformer."""

from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining
from craft.models.texts import bert_config
from craft.models.towers import regnet


def configure(training: EvaluatorTraining, tokenizer):
    """See `Family.configure`."""
    return regnet.configure(training.width), bert_config(tokenizer, training.width, 2)


FAMILY = Family(configure, sigmoid=True)
