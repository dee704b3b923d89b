"""Images that a model makes before it is trained, several for each wanted one, and what the reward says of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.reward.evidence import ImageFeatures
from craft.reward.rating import Rating
from craft.training.prompts import balanced_labels, draw_prompts
from craft.training.sampler import sample_many
from craft.training.settings import SamplingSettings


@dataclass(frozen=True)
class Pool:
    """n = wanted * each generated images; those of one wanted image share its label and prompt and follow each other.

    Attributes:
        latents: scaled, shape (n, channels, height, width).
        prompts: of the images, n of them.
        labels: numbers of their labels, shape (n,).
        rewards: what the reward makes of them, shape (n,).
        features: what the reward judge sees in them.
        each: images of one wanted image.
    """

    latents: Tensor
    prompts: list[str]
    labels: Tensor
    rewards: Tensor
    features: ImageFeatures
    each: int

    @classmethod
    def sample(
        cls,
        foundation: Foundation,
        rating: Rating,
        knowledge: Knowledge,
        sampling: SamplingSettings,
        *,
        style: str,
        wanted: int,
        each: int,
        seed: str,
    ) -> "Pool":
        """Sample a pool with the foundation as it is, labels in turn.

        Args:
            foundation: makes the images.
            rating: what the reward makes of an image.
            knowledge: labels and prompts.
            sampling: how images are sampled.
            style: of the prompts (`draw_prompts`).
            wanted: prompts that are drawn.
            each: images of one prompt.
            seed: names the random draws.
        """
        names, draws = balanced_labels(list(knowledge.labels), wanted), Draws("pool", seed)
        prompts = draw_prompts(knowledge, names, style, draws)
        repeated = [prompt for prompt in prompts for _ in range(each)]
        noise = draws.normal(wanted * each, *foundation.latent_shape)
        latents = sample_many(foundation, repeated, noise, sampling)
        keys = list(knowledge.labels)
        labels = torch.tensor([keys.index(name) for name in names]).repeat_interleave(each)
        rewards, features = rate_latents(foundation, rating, latents, labels)
        return cls(latents, repeated, labels, rewards, features, each)

    def __len__(self) -> int:
        return len(self.labels)

    def best(self) -> Tensor:
        """Row numbers (wanted,) of the best image of every wanted one; of equal ones, the first."""
        return best_rows(self.rewards, self.each)


def best_rows(rewards: Tensor, each: int) -> Tensor:
    """Row numbers (n / each,) of the highest reward of every run of `each` rewards (n,); of equal ones, the first."""
    groups = rewards.view(-1, each)
    # argmax promises nothing about equal ones
    first = (groups == groups.amax(1, keepdim=True)).int().argmax(1)
    return torch.arange(len(groups)) * each + first


@torch.no_grad()
def rate_latents(
    foundation: Foundation, rating: Rating, latents: Tensor, labels: Tensor, batch: int = 64
) -> tuple[Tensor, ImageFeatures]:
    """Rewards (n,) of scaled latents with label numbers (n,), and what the first judge sees in them, on the CPU."""
    rewards, features = [], []
    for chunk, numbers in zip(latents.split(batch), labels.split(batch), strict=True):
        images = foundation.decode(chunk.to(foundation.device)).clamp(0, 1)
        seen = rating.see(images, numbers.to(foundation.device))
        rewards.append(rating.reward_of(seen).cpu())
        features.append(seen[0].features.to("cpu"))
    return torch.cat(rewards), ImageFeatures.join(features)
