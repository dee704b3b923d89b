"""Best of n (Stiennon et al. 2020, arXiv 2009.01325): nothing is trained, the reward chooses among several images."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from craft.core.settings import Name, Positive
from craft.reward.dimensions import DIMENSIONS
from craft.reward.rewards import REWARDS
from craft.reward.settings import RatingSettings
from craft.training.methods.base import PROMPTS, MethodFiles, MethodSettings
from craft.training.settings import Prompts

if TYPE_CHECKING:
    from craft.knowledge.schema import Knowledge
    from craft.models.foundation import Foundation
    from craft.training.settings import GenerationJob


class BestOfNMethod(MethodSettings):
    """Of several images that another method makes for every wanted one, the one with the highest reward."""

    roles: ClassVar = ("reward",)
    selects: ClassVar = True

    kind: Literal["best_of_n"] = Field(description="the best of several images of another method, by the reward")
    start: Name | None = Field(description="method whose images are chosen from; null: the foundation")
    prompts: Prompts = Field("enriched", description=PROMPTS)
    count: Positive = Field(16, description="images for every one that is wanted")
    reward: RatingSettings = Field(RatingSettings(), description="what one number is made of an image")

    def rewarders(self) -> list[str] | None:
        """See `MethodSettings.rewarders`."""
        return self.reward.evaluators

    def modules(self) -> list[str]:
        """See `MethodSettings.modules`."""
        return [*DIMENSIONS.modules(), *REWARDS.modules(self.reward.reward)]

    def choose(
        self, foundation: "Foundation", job: "GenerationJob", knowledge: "Knowledge", files: MethodFiles, device: str
    ) -> list[dict]:
        """The chosen images as rows of an image table; see `MethodSettings.choose`."""
        from craft.training.selection import load_rating, select_table

        return select_table(foundation, self, job, knowledge, load_rating(self, job, files, device))


METHOD = BestOfNMethod
