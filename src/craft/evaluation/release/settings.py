"""Settings of the check that decides whether freshly trained small models can be released."""

from pydantic import Field

from craft.core.settings import JobSettings, Positive
from craft.models.settings import EncoderRef
from craft.training.settings import SamplingSettings


class ModelCheckJob(JobSettings):
    """What `check_models` needs to know."""

    foundation: str = Field(description="pipeline folder of the foundation")
    phantom_classifier: str = Field(description="folder of the classifier of phantoms")
    encoder: EncoderRef = Field(description="held-out vision encoder, which compares images")
    sampling: SamplingSettings = Field(description="how images are sampled")
    samples: Positive = Field(256, description="samples of each modality")
    neighbours: Positive = Field(5, description="k of recall")
