"""Locked-image tuning (Zhai et al. 2022): a frozen ImageNet tower, to which a projection and a text tower are fitted.

What it sees was learned from photographs of things, by others: neither phantoms nor patients formed it.
"""

from craft.models.families.base import Family
from craft.models.settings import EvaluatorTraining
from craft.models.texts import bert_config


def configure(training: EvaluatorTraining, tokenizer):
    """See `Family.configure`."""
    return None, bert_config(tokenizer, training.width, 2)


FAMILY = Family(configure, sigmoid=True, tower=("imagenet", "efficientnet-lite0"))
