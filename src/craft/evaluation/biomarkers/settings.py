"""Settings of the measuring of biomarkers."""

from pydantic import Field

from craft.core.settings import ImageSet, JobSettings, Positive


class MeasureJob(JobSettings):
    """What `measure_biomarkers` needs to know."""

    dataset: str = Field(description="name of the dataset")
    modality: str = Field(description="kind of image")
    generated: list[ImageSet] = Field(description="whose images are measured, in the order of their files")
    measured_per_method: Positive | None = Field(description="at most this many images a method and seed; null: all")
