"""Settings of the search for copies of real images among generated ones."""

from pydantic import Field

from craft.core.settings import ImageSet, JobSettings, Name, Positive, Share, Strict
from craft.evaluation.settings import FeaturesRef


class MemorizationSettings(Strict):
    """The search for copies of the real images that the run saw among generated ones."""

    features: Name | None = Field(
        None, description="evaluator or encoder whose features are searched; null: the held-out encoder"
    )
    resolution: int = Field(64, ge=32, description="side of the grey pictures that are compared, pixels")
    reach: int = Field(
        3, ge=1, le=8, description="largest shift under which pictures are compared, pixels of `resolution`"
    )
    candidates: Positive = Field(3, description="nearest seen images in features that are compared as pictures")
    flagged: Share = Field(0.01, description="share of real test images that lie below the threshold of a copy")


class MemorizationJob(JobSettings):
    """What `find_neighbours` needs to know."""

    dataset: str = Field(description="name of the dataset")
    features: FeaturesRef = Field(description="whose features are compared")
    generated: list[ImageSet] = Field(description="whose images are searched, in the order of their files")
    memorization: MemorizationSettings = Field(description="the configuration's section `memorization`")
