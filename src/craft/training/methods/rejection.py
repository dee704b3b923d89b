"""Rejection-sampled finetuning (RAFT, Dong et al. 2023, arXiv 2304.06767): trained on what best of n would keep."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from craft.training.methods.pooled import PooledMethod

if TYPE_CHECKING:
    from craft.training.craft import RewardInputs
    from craft.training.pool import Pool


class RejectionMethod(PooledMethod):
    """The denoising loss on the image of every prompt that the reward prefers."""

    kind: Literal["rejection"] = Field(description="an adapter trained on the best of several images of every prompt")

    def make_loss(self, inputs: "RewardInputs", pool: "Pool", seed: str) -> Any:
        """See `PooledMethod.make_loss`."""
        import torch

        from craft.training.pooled import PoolLoss

        rows = pool.best()
        return PoolLoss(self, inputs, pool, rows, torch.ones(len(rows)), seed)


METHOD = RejectionMethod
