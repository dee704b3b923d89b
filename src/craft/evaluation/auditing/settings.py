"""Settings of the audit, which asks for the checklist items of every image, and of the signs of training images."""

from typing import Literal, Self

from pydantic import Field, model_validator

from craft.core.settings import ImageSet, JobSettings, Positive, Strict
from craft.knowledge.settings import LanguageModelSettings


class AuditSettings(Strict):
    """Who answers the checklist items of every image, and which of their answers count."""

    auditors: list[Literal["biomarkers", "mllm"]] = Field(
        ["biomarkers"], min_length=1, description="biomarkers: computed from pixels; mllm: a multimodal language model"
    )
    floor: float = Field(
        0.6, ge=0.5, lt=1, description="balanced accuracy on calibration images below which a biomarker tells nothing"
    )
    folds: int = Field(5, ge=2, description="of the cross-validation that this accuracy comes from")
    measured_per_method: Positive | None = Field(
        None, description="at most this many images a method and seed are measured, labels balanced; null: all"
    )
    images_per_method: Positive = Field(24, description="how many images a method and seed the language model is shown")
    model: LanguageModelSettings | None = Field(
        None, description="the multimodal language model of the auditor mllm; null where there is none"
    )

    @model_validator(mode="after")
    def model_fits_the_auditors(self) -> Self:
        if "mllm" not in self.auditors:
            return self
        if self.model is None:
            raise ValueError(
                "the auditor 'mllm' needs a model that sees images; write for example"
                " `model: {provider: transformers, model: path/of/the/model}` or remove it from `auditors`"
            )
        if self.model.provider == "openai" and not self.model.images_may_leave:
            raise ValueError(
                "the auditor 'mllm' would send images to the endpoint; write `images_may_leave: true` into its model"
                " where the data's terms allow it, or use the provider transformers"
            )
        return self

    @property
    def asks_local_model(self) -> bool:
        """Whether a language model runs in the job itself."""
        return "mllm" in self.auditors and self.model is not None and self.model.provider == "transformers"


class AuditJob(JobSettings):
    """What `audit_checklist` needs to know."""

    dataset: str = Field(description="name of the dataset")
    generated: list[ImageSet] = Field(description="whose images are audited, in the order of their files")
    audit: AuditSettings = Field(description="the configuration's section `audit`")


class SignSettings(Strict):
    """How it is found which checklist items are true of which image, where the run trains evaluators on them."""

    measured_per_label: Positive | None = Field(
        1000,
        description="at most this many real images of a label and split are measured, of the others nothing is known;"
        " null: all; phantoms need no measuring",
    )


class SignsJob(JobSettings):
    """What `find_signs` needs to know."""

    dataset: str = Field(description="name of the dataset")
    modality: str = Field(description="kind of image")
    signs: SignSettings = Field(description="the configuration's section `signs`")
    audit: AuditSettings = Field(description="floor and folds of the configuration's section `audit`")
