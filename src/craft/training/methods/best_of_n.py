"""Best of n (Stiennon et al. 2020, arXiv 2009.01325): nothing is trained, the reward chooses among several images."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field

from craft.core.settings import Name, Positive
from craft.reward.dimensions import DIMENSIONS
from craft.reward.rewards import REWARDS
from craft.reward.settings import RatingSettings
from craft.training.methods.base import PROMPTS, MethodFiles, MethodSettings
from craft.training.settings import Prompts, SamplingSettings

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
    prompts: Prompts | None = Field(None, description=f"{PROMPTS}; null: as what it starts from, as is `sampling`")
    count: Positive = Field(16, description="images for every one that is wanted")
    reward: RatingSettings = Field(RatingSettings(), description="what one number is made of an image")

    def resolved(
        self, name: str, methods: Mapping[str, MethodSettings], sampling: SamplingSettings, processes: int
    ) -> Self:
        """The settings with the prompts and the sampling of what it starts from, where it has none of its own."""
        parent = methods[self.start].resolved(self.start, methods, sampling, processes) if self.start else None
        prompts = self.prompts or (parent.prompts if parent else "plain")
        return self.model_copy(update={"prompts": prompts, "sampling": self.sampling or (parent and parent.sampling)})

    def rewarders(self) -> list[str] | None:
        """See `MethodSettings.rewarders`."""
        return self.reward.evaluators

    def modules(self) -> list[str]:
        """See `MethodSettings.modules`."""
        return [*DIMENSIONS.modules(), *REWARDS.modules(self.reward.reward)]

    def choose(
        self, foundation: "Foundation", job: "GenerationJob", knowledge: "Knowledge", files: MethodFiles, device: str
    ) -> Iterator[dict]:
        """The chosen images as rows of an image table; see `MethodSettings.choose`."""
        from craft.training.selection import load_rating, select_table

        return select_table(foundation, self, job, knowledge, load_rating(self, job, files, device))


METHOD = BestOfNMethod
