"""The CRAFT objective: a clinical reward that ends where real images stand, an anchor and a real-data term.

    loss = pull(R(x, y); real R of label y) + delta * lack of diversity
           + beta * ||prediction - anchor's prediction||^2 + gamma * denoising loss

It is our own specification. R is the reward (`craft.reward.rewards`) of a generated image x with label y under the
reward evaluator, by default the weighted mean of its calibrated CAS dimensions. How its pull ends where the rewards of
real images of the label end, augmented alike, is `craft.reward.matching`; what lacks in diversity is
`craft.reward.diversity`. The anchor keeps the model near the supervised adapter on the states that it samples, the
denoising loss keeps it a model of the real images.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from craft.core.seeds import Draws
from craft.reward.augment import Augmentation
from craft.reward.diversity import Diversity
from craft.reward.matching import Matching
from craft.reward.rating import Rating
from craft.reward.scored import Scored
from craft.reward.settings import ObjectiveSettings


class ClinicalReward(nn.Module):
    """R(x, y) of the reward evaluators, and what real images reach under it.

    Args:
        rating: what the reward evaluators make of an image.
        objective: how the reward is matched, and augmentation.
        real_images: n real calibration images in parts of shape (part, 3, h, w), in [0, 1]; one is held at a time.
        real_labels: numbers of their labels, shape (n,); every label has some.

    Attributes:
        names: of the dimensions of CAS, in their order.
        matching: the pull towards the real images' rewards.
        diversity: the pull towards the real images' diversity.
    """

    def __init__(
        self, rating: Rating, objective: ObjectiveSettings, real_images: Iterable[Tensor], real_labels: Tensor
    ):
        super().__init__()
        self.rating, self.objective = rating, objective
        self.names, labels = rating.alignments[0].names, rating.alignments[0].labels
        self.augment = Augmentation() if objective.augment else None
        device, draws, parts = rating.judges[0].device, Draws("real rewards"), []
        with torch.no_grad():
            for images in real_images:
                own, real_labels = real_labels[: len(images)], real_labels[len(images) :]
                parts.append(self(images.to(device), own.to(device), draws))
        real = Scored.join(parts)
        self.matching = Matching(objective, real.reward, real.labels, labels)
        self.diversity = Diversity(real, labels)

    def forward(self, images: Tensor, labels: Tensor, draws: Draws, places: Tensor | None = None) -> Scored:
        """Reward of images (n, 3, h, w), about [0, 1], differentiable in them.

        Where several evaluators reward, rewards and dimensions are their means.

        Args:
            images: generated images.
            labels: numbers of their labels, shape (n,).
            draws: of the augmentation.
            places: of the images in the whole batch, shape (n,); without them, each has one of its own.
        """
        images = self.augment(images, draws) if self.augment else images
        seen = self.rating.see(images, labels)
        places = torch.arange(len(labels), device=labels.device) if places is None else places
        dimensions = torch.stack([each.dimensions for each in seen]).mean(0)
        return Scored(labels, places, self.rating.reward_of(seen), dimensions, seen[0].features.visual)


def anchor(prediction: Tensor, anchored: Tensor) -> Tensor:
    """Mean squared distance of the model's prediction to the frozen supervised adapter's on the same states."""
    return (prediction - anchored).square().mean()
