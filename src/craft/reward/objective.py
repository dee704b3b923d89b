"""The CRAFT objective: a saturating clinical reward, an anchor and a real-data term (our own specification).

    loss = mean_q relu(r_q - R(x, y)) + beta * ||prediction - anchor's prediction||^2 + gamma * denoising loss

R is the reward (`craft.reward.rewards`) of a generated image x with label y under the reward evaluator, by default the
weighted mean of its calibrated CAS dimensions. r_q are quantiles of the same reward of real images of label y,
augmented alike: an image is pulled by the share of real images that score higher, less and less as it rises among them,
and no longer above the highest quantile. The anchor keeps the model near the supervised adapter on the states that it
samples, the denoising loss keeps it a model of the real images.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.core.seeds import Draws
from craft.reward.augment import Augmentation
from craft.reward.cas import ClinicalAlignment
from craft.reward.judge import Judge
from craft.reward.rewards import REWARDS
from craft.reward.rewards.base import Seen
from craft.reward.settings import ObjectiveSettings


@dataclass(frozen=True)
class ScoredBatch:
    """The reward of a batch.

    Attributes:
        hinge: relu(r_q - R), mean over the quantiles and the batch; differentiable.
        reward: R, shape (n,), detached.
        dimensions: calibrated dimensions in the order of `craft.reward.dimensions.DIMENSIONS`, shape (n, d), detached.
    """

    hinge: Tensor
    reward: Tensor
    dimensions: Tensor


class ClinicalReward(nn.Module):
    """R(x, y) of the reward evaluator and its saturation.

    Args:
        judge: the frozen models of the role `reward`.
        alignment: their calibrated CAS on the dataset.
        objective: which reward, its weights, saturation quantiles and augmentation.
        real_images: real calibration images, shape (n, 3, h, w), in [0, 1].
        real_labels: numbers of their labels, shape (n,); every label has some.
    """

    def __init__(
        self,
        judge: Judge,
        alignment: ClinicalAlignment,
        objective: ObjectiveSettings,
        real_images: Tensor,
        real_labels: Tensor,
    ):
        super().__init__()
        device = judge.device
        self.judge, self.alignment, self.objective = judge, alignment.to(device), objective
        self.augment = Augmentation() if objective.augment else None
        self.reward = REWARDS[objective.reward]
        with torch.no_grad():
            seen = self.see(real_images.to(device), real_labels.to(device), Draws("real rewards"))
            real = self.reward(seen, objective).cpu()
        quantiles, levels = torch.tensor(objective.saturation), []
        for label in range(alignment.labels):
            if not (real_labels == label).any():
                raise CraftError(f"label number {label} has no image in the split `calibration`; give it some")
            levels.append(real[real_labels == label].quantile(quantiles))
        self.register_buffer("levels", torch.stack(levels).to(device))

    def see(self, images: Tensor, labels: Tensor, draws: Draws) -> Seen:
        """What the judge makes of images (n, 3, h, w), augmented, with label numbers (n,)."""
        images = self.augment(images, draws) if self.augment else images
        features = self.judge.encode_images(images)
        return Seen(images, labels, features, self.alignment(features, labels), self.alignment.names)

    def forward(self, images: Tensor, labels: Tensor, draws: Draws) -> ScoredBatch:
        """Reward of generated images (n, 3, h, w), about [0, 1], with label numbers (n,)."""
        seen = self.see(images, labels, draws)
        reward = self.reward(seen, self.objective)
        hinge = torch.relu(self.levels[labels] - reward[:, None]).mean()
        return ScoredBatch(hinge, reward.detach(), seen.dimensions.detach())


def anchor(prediction: Tensor, anchored: Tensor) -> Tensor:
    """Mean squared distance of the model's prediction to the frozen supervised adapter's on the same states."""
    return (prediction - anchored).square().mean()
