"""Settings of the job that scores images."""

from pydantic import Field

from craft.core.settings import ImageSet, JobSettings, Positive
from craft.models.settings import EvaluatorRef


class ScoreJob(JobSettings):
    """What `score_images` needs to know."""

    dataset: str = Field(description="name of the dataset")
    modality: str = Field(description="kind of image")
    labels: list[str] = Field(description="labels of the dataset, in order")
    evaluators: list[EvaluatorRef] = Field(description="all evaluators of the run")
    phantom_classifier: str | None = Field(description="folder of the classifier of phantoms; null for real images")
    generated: list[ImageSet] = Field(description="whose generated images are scored, in the order of their files")
    neighbours: Positive = Field(description="k of the plausibility dimension")
    batch: Positive = Field(64, description="images that are judged at a time")
