"""Settings of the study of CAS as a proxy."""

from pydantic import Field

from craft.core.settings import ImageSet, Positive, Strict
from craft.evaluation.scoring.settings import ScoreJob
from craft.evaluation.settings import ScoringSettings


class ValiditySettings(Strict):
    """How many real test images the study of CAS as a proxy looks at, labels balanced."""

    test_images: Positive = Field(1000, description="at most this many with their own and with other labels")
    damaged_images: Positive = Field(96, description="at most this many, each under 5 kinds of damage in 5 grades")
    no_images: Positive = Field(100, description="of every kind of what is no image of the modality")


class ValidityJob(ScoreJob):
    """What `check_validity` needs to know: what was scored, which methods saw a reward, and which share no noise."""

    rewarded: list[ImageSet] = Field(
        description="methods and seeds finetuned with a reward, in the order of their files"
    )
    given: list[str] = Field([], description="methods whose images share no noise with those of others")
    scoring: ScoringSettings = Field(description="the configuration's section `scoring`")
    validity: ValiditySettings = Field(description="the configuration's section `validity`")
