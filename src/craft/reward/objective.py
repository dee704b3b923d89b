"""The CRAFT objective: a saturating clinical reward, an anchor and a real-data term (our own specification).

    loss = mean_q relu(r_q - R(x, y)) + beta * ||prediction - reference prediction||^2 + gamma * denoising loss

R is the weighted mean of the calibrated CAS dimensions of a generated image x with label y under the reward evaluator.
r_q are quantiles of the same reward of real images of label y, augmented alike: an image is pulled by the share of real
images that score higher, less and less as it rises among them, and no longer above the highest quantile. The anchor
keeps the model near the supervised adapter on the states that it samples, the denoising loss keeps it a model of the
real images.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.core.config.methods import Objective
from craft.core.errors import CraftError
from craft.core.seeds import Draws
from craft.models.evaluators import ImageTextEvaluator
from craft.reward.augment import Augmentation
from craft.reward.cas import DIMENSIONS, ClinicalAlignment


@dataclass(frozen=True)
class Reward:
    """The reward of a batch.

    Attributes:
        hinge: relu(r_q - R), mean over the quantiles and the batch; differentiable.
        reward: R, shape (n,), detached.
        dimensions: calibrated dimensions, shape (n, 4), detached.
    """

    hinge: Tensor
    reward: Tensor
    dimensions: Tensor


class ClinicalReward(nn.Module):
    """R(x, y) of the reward evaluator and its saturation.

    Args:
        evaluator: the frozen reward evaluator.
        alignment: its calibrated CAS on the dataset.
        objective: dimension weights, saturation quantiles and augmentation.
        real_images: real calibration images, shape (n, 3, h, w), in [0, 1].
        real_labels: their labels, shape (n,); every label has some.
    """

    def __init__(
        self,
        evaluator: ImageTextEvaluator,
        alignment: ClinicalAlignment,
        objective: Objective,
        real_images: Tensor,
        real_labels: Tensor,
    ):
        super().__init__()
        device = evaluator.device
        self.evaluator, self.alignment = evaluator, alignment.to(device)
        weights = torch.tensor([objective.weights.get(name, 0.0) for name in DIMENSIONS])
        self.register_buffer("weights", (weights / weights.sum()).to(device))
        self.augment = Augmentation() if objective.augment else None
        with torch.no_grad():
            real = self.score(real_images.to(device), real_labels.to(device), Draws("real rewards")) @ self.weights
        quantiles, levels = torch.tensor(objective.saturation), []
        for label in range(len(alignment.raw.description)):
            if not (real_labels == label).any():
                raise CraftError(f"label number {label} has no image in the split `calibration`; give it some")
            levels.append(real.cpu()[real_labels == label].quantile(quantiles))
        self.register_buffer("levels", torch.stack(levels).to(device))

    def score(self, images: Tensor, labels: Tensor, draws: Draws) -> Tensor:
        """Calibrated dimensions (n, 4) of augmented images."""
        seen = self.augment(images, draws) if self.augment else images
        return self.alignment(self.evaluator.encode_images(seen), labels)

    def forward(self, images: Tensor, labels: Tensor, draws: Draws) -> Reward:
        """Reward of generated images (n, 3, h, w), about [0, 1], with labels (n,)."""
        dimensions = self.score(images, labels, draws)
        reward = dimensions @ self.weights
        hinge = torch.relu(self.levels[labels] - reward[:, None]).mean()
        return Reward(hinge, reward.detach(), dimensions.detach())


def anchor(prediction: Tensor, reference: Tensor) -> Tensor:
    """Mean squared distance of the model's prediction to the frozen supervised adapter's on the same states."""
    return (prediction - reference).square().mean()
