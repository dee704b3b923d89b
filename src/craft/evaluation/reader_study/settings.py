"""Settings of the reader study, and of the job that makes its page."""

from typing import Self

from pydantic import Field, model_validator

from craft.core.settings import ImageSet, JobSettings, Name, Positive, Strict


class ReaderStudySettings(Strict):
    """What `snakemake study` shows to physicians, blinded: pairs of images of one dataset and label, of two methods."""

    of: Name = Field("craft", description="the method whose images stand in every pair; `real` for real test images")
    against: list[Name] = Field(
        min_length=1,
        description="whose images stand beside them, for example the strongest baseline; each has pairs of its own",
    )
    datasets: list[Name] | None = Field(None, min_length=1, description="datasets that are shown; null: all")
    pairs_per_label: Positive = Field(
        8, le=1000, description="pairs of every dataset, label and entry of `against` (`craft study plan`)"
    )
    repeats: int = Field(
        6, ge=0, description="pairs that come twice, with sides exchanged: does a reader agree with itself?"
    )
    attention_checks: int = Field(
        3, ge=0, description="further pairs of which one image is evidently damaged; who prefers it was not looking"
    )
    realism: bool = Field(True, description="whether readers also grade how real every image looks, from 1 to 5")
    checklist_items: int = Field(
        2, ge=0, description="signs of the label's checklist that readers look for, those of most weight; 0: none"
    )
    seed: int = Field(0, description="of all that is drawn: images, sides, order and names of pairs")

    @model_validator(mode="after")
    def methods_differ(self) -> Self:
        shown = [self.of, *self.against]
        if twice := [name for name in shown if shown.count(name) > 1]:
            raise ValueError(f"{twice[0]!r} stands under `of` and `against` more than once; write each method once")
        return self

    @property
    def methods(self) -> list[str]:
        """All methods whose images are shown."""
        return [self.of, *self.against]


class ShownImages(ImageSet):
    """Images that a study may show."""

    dataset: str = Field(description="name of the dataset")


class ShownDataset(Strict):
    """A dataset of a study."""

    modality: str = Field(description="kind of image")
    labels: list[str] = Field(description="labels that are shown")


class ReaderStudyJob(JobSettings):
    """What `make_study` needs to know."""

    study: ReaderStudySettings = Field(description="the configuration's section `reader_study`")
    datasets: dict[str, ShownDataset] = Field(description="what is shown, in the order of the knowledge files")
    images: list[ShownImages] = Field(description="image sets, in the order of their files")
    notice: str = Field(description="what plays the part of real images in this run")
