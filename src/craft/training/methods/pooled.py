"""What the kinds share that are trained on images which the model made and the reward judged before the first step."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from craft.core.settings import Positive
from craft.reward.settings import ObjectiveSettings, RatingSettings
from craft.training.methods.base import MethodFiles, Trained
from craft.training.methods.guarded import GuardedMethod
from craft.training.settings import SamplingSettings

if TYPE_CHECKING:
    from craft.training.craft import RewardInputs
    from craft.training.pool import Pool
    from craft.training.settings import MethodJob


class PooledMethod(GuardedMethod):
    """A LoRA adapter that is trained on a pool of what it starts from makes."""

    pool: Positive = Field(256, description="prompts of the pool, labels in turn")
    each: Positive = Field(4, description="images of every prompt")
    gamma: float = Field(0.0, ge=0, description="weight of the denoising loss on real images")
    reward: RatingSettings = Field(RatingSettings(), description="what one number is made of an image")

    @property
    def rating(self) -> RatingSettings:
        """See `GuardedMethod.rating`."""
        return self.reward

    @property
    def objective(self) -> ObjectiveSettings:
        """How images are looked at: as they are; nothing of the CRAFT loss is used."""
        return ObjectiveSettings(**self.reward.model_dump(), augment=False)

    def make_loss(self, inputs: "RewardInputs", pool: "Pool", seed: str) -> Any:
        """The loss of a part of a step's batch (`craft.training.loop.LossAt`)."""
        raise NotImplementedError

    def prepared_evaluations(self, sampling: SamplingSettings) -> float:
        """See `GuardedMethod.prepared_evaluations`."""
        return self.pool * self.each * sampling.evaluations

    def step_evaluations(self, sampling: SamplingSettings) -> float:
        """See `GuardedMethod.step_evaluations`."""
        return 3 + 3 * bool(self.gamma)

    def train(self, job: "MethodJob", files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """See `MethodSettings.train`."""
        from craft.training.pooled import train_on_pool

        return train_on_pool(self, job, files, checkpoints, device)
