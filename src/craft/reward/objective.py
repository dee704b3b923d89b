"""The CRAFT objective: a saturating clinical reward, an anchor and a real-data term (our own specification).

    loss = relu(r_real - R(x, y)) + beta * ||prediction - reference prediction||^2 + gamma * denoising loss

R is the weighted mean of the calibrated CAS dimensions of a generated image x with label y under the reward evaluator.
r_real is the level of real images, so the reward stops pulling where real images stand. The anchor keeps the model near
the supervised adapter on the states that it samples, the denoising loss keeps it a model of the real images.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.core.config.methods import Objective
from craft.models.evaluators import ImageTextEvaluator
from craft.reward.augment import Augmentation
from craft.reward.cas import DIMENSIONS, ClinicalAlignment


@dataclass(frozen=True)
class Reward:
    """The reward of a batch.

    Attributes:
        hinge: relu(r_real - R), mean over the batch; differentiable.
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
        objective: dimension weights, saturation quantile and augmentation.
        real_features: embeddings of real calibration images, shape (n, width).
        real_labels: their labels, shape (n,).
    """

    def __init__(
        self,
        evaluator: ImageTextEvaluator,
        alignment: ClinicalAlignment,
        objective: Objective,
        real_features: Tensor,
        real_labels: Tensor,
    ):
        super().__init__()
        self.evaluator, self.alignment = evaluator, alignment
        weights = torch.tensor([objective.weights.get(name, 0.0) for name in DIMENSIONS])
        self.register_buffer("weights", weights / weights.sum())
        with torch.no_grad():
            level = (alignment(real_features, real_labels) @ self.weights).quantile(objective.saturation_quantile)
        self.register_buffer("real_level", level)
        self.augment = Augmentation() if objective.augment else None

    def forward(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Reward:
        """Reward of generated images (n, 3, h, w), about [0, 1], with labels (n,)."""
        seen = self.augment(images, generator) if self.augment else images
        dimensions = self.alignment(self.evaluator.encode_images(seen), labels)
        reward = dimensions @ self.weights
        return Reward(torch.relu(self.real_level - reward).mean(), reward.detach(), dimensions.detach())


def anchor(prediction: Tensor, reference: Tensor) -> Tensor:
    """Mean squared distance of the model's prediction to the frozen supervised adapter's on the same states."""
    return (prediction - reference).square().mean()
