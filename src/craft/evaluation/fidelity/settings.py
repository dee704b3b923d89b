"""Settings of fidelity: how like real images the generated ones are, measured on image features."""

from pydantic import Field

from craft.core.settings import ImageSet, JobSettings, Name, PathText, Positive, Strict
from craft.evaluation.settings import FeaturesRef


class FidelitySettings(Strict):
    """How like real images the generated ones are, measured on image features."""

    evaluators: list[Name] = Field(
        [], description="evaluators and encoders whose features are used; empty means all held-out ones"
    )
    inception: PathText | None = Field(
        None, description="weights (safetensors) of torchvision's Inception-v3, whose features are used as well"
    )
    neighbours: Positive = Field(5, description="k of precision, recall, density and coverage")
    bootstrap: Positive = Field(
        200, description="resamples; the time of one grows with the cube of the images, or of fewer columns of features"
    )


class FidelityJob(JobSettings):
    """What `measure_fidelity` needs to know."""

    dataset: str = Field(description="name of the dataset")
    features: list[FeaturesRef] = Field(description="whose features are used")
    generated: list[ImageSet] = Field(description="whose images are measured, in the order of their files")
    fidelity: FidelitySettings = Field(description="the configuration's section `fidelity`")
