"""What the reward evaluators make of images, as one number: the reward R, and what it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.reward.cas import ClinicalAlignment
from craft.reward.evidence import ImageFeatures
from craft.reward.judge import Judge
from craft.reward.rewards import REWARDS
from craft.reward.rewards.base import Seen
from craft.reward.settings import RatingSettings


@dataclass(frozen=True)
class Rewarder:
    """One reward judge and its calibrated CAS on a dataset."""

    judge: Judge
    alignment: ClinicalAlignment


class Rating(nn.Module):
    """R(x, y) of one reward evaluator or the mean over several, differentiable in the images.

    Args:
        rewarders: the judges of the role `reward`, one or more.
        settings: which reward, and its weights.
        prompts: the label prompts, in the order of the labels; only some rewards read them.
    """

    def __init__(self, rewarders: Sequence[Rewarder], settings: RatingSettings, prompts: Sequence[str] = ()):
        super().__init__()
        device = rewarders[0].judge.device
        self.judges = nn.ModuleList(each.judge for each in rewarders)
        self.alignments = nn.ModuleList(each.alignment.to(device) for each in rewarders)
        self.settings, self.reward = settings, REWARDS[settings.reward]
        with torch.no_grad():
            read = [judge.evaluator.encode_texts(list(prompts)) if prompts else None for judge in self.judges]
        self.prompts = read

    def see(self, images: Tensor, labels: Tensor) -> list[Seen]:
        """What each judge makes of images (n, 3, h, w) with label numbers (n,)."""
        found = []
        for judge, alignment, prompts in zip(self.judges, self.alignments, self.prompts, strict=True):
            features = judge.encode_images(images)
            dimensions = self.dimensions_of(alignment, features, labels)
            found.append(Seen(images, labels, features, dimensions, alignment.names, prompts))
        return found

    def dimensions_of(self, alignment: ClinicalAlignment, features: ImageFeatures, labels: Tensor) -> Tensor:
        """Dimensions (n, d), each in [0, 1], calibrated unless the settings want them as they are."""
        if self.settings.calibrated:
            return alignment(features, labels)
        return alignment.raw(features, labels).sigmoid()

    def reward_of(self, seen: list[Seen]) -> Tensor:
        """R (n,) of what the judges saw."""
        return torch.stack([self.reward(each, self.settings) for each in seen]).mean(0)
