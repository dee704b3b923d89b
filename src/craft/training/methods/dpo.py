"""Diffusion-DPO (Wallace et al. 2023, arXiv 2311.12908) on pairs of images that a checklist ranks."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from craft.training.methods.pooled import PooledMethod
from craft.training.settings import SamplingSettings

if TYPE_CHECKING:
    from craft.training.craft import RewardInputs
    from craft.training.pool import Pool


class DpoMethod(PooledMethod):
    """The preference for the image of a pair that shows more of its label's checklist, against the frozen start."""

    kind: Literal["dpo"] = Field(description="an adapter trained on preferences between two of the model's own images")
    each: Literal[2] = Field(2, description="images of every prompt: a pair")
    beta: float = Field(2000.0, gt=0, description="how strictly the trained adapter is held to what it starts from")
    lose_share: float = Field(
        0.4, ge=0, lt=1, description="both images of a pair lose where neither satisfies more than this share of items"
    )

    def make_loss(self, inputs: "RewardInputs", pool: "Pool", seed: str) -> Any:
        """See `PooledMethod.make_loss`."""
        from craft.training.preference import PreferenceLoss

        return PreferenceLoss(self, inputs, pool, seed)

    def step_evaluations(self, sampling: SamplingSettings) -> float:
        """Both images of a pair pass the trained adapter and the frozen one."""
        return 2 * (3 + 1) + 3 * bool(self.gamma)


METHOD = DpoMethod
