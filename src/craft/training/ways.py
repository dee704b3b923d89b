"""The way of the gradient that the settings of a method ask for."""

from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.training.direct import DirectWay
from craft.training.methods.reward import RewardMethod
from craft.training.passages import SampledWay, Way
from craft.training.settings import SamplingSettings


def make_way(
    foundation: Foundation, knowledge: Knowledge, settings: RewardMethod, sampling: SamplingSettings, seed: str
) -> Way:
    """The way of `backprop.mode`; the arguments are its attributes."""
    kind = DirectWay if settings.backprop.mode == "direct" else SampledWay
    return kind(foundation, knowledge, settings, sampling, seed)
