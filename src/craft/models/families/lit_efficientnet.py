"""Locked-image tuning (Zhai et al. 2022): a frozen ImageNet tower, to which a projection and a text tower are fitted.

What it sees was learned from photographs of things, by others: neither phantoms nor patients formed it.
"""

from craft.models.architectures import bert_config
from craft.models.encoder_loaders.imagenet import NAME
from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining


def configure(training: EvaluatorTraining, tokenizer):
    """See `Family.configure`."""
    return None, bert_config(tokenizer, training.width, 2)


FAMILY = Family(configure, sigmoid=True, tower=("imagenet", NAME))
