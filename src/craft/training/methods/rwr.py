"""Reward-weighted likelihood (Lee et al. 2023, arXiv 2302.12192; RWR in Black et al. 2023, arXiv 2305.13301)."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from craft.training.methods.pooled import PooledMethod

if TYPE_CHECKING:
    from craft.training.craft import RewardInputs
    from craft.training.pool import Pool


class RwrMethod(PooledMethod):
    """The denoising loss on the model's own images, each weighted by its reward."""

    kind: Literal["rwr"] = Field(description="an adapter trained on the model's own images, weighted by their reward")
    temperature: float = Field(0.1, gt=0, description="an image weighs exp(reward / temperature) within its label")

    def make_loss(self, inputs: "RewardInputs", pool: "Pool", seed: str) -> Any:
        """See `PooledMethod.make_loss`."""
        import torch

        from craft.training.pooled import PoolLoss, reward_weights

        return PoolLoss(self, inputs, pool, torch.arange(len(pool)), reward_weights(pool, self.temperature), seed)


METHOD = RwrMethod
