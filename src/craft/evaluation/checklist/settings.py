"""Settings of the job that fills in the checklist."""

from pydantic import Field

from craft.core.settings import Strict
from craft.datasets.settings import SplitSettings
from craft.evaluation.settings import Run


class CheckedDataset(Strict):
    """What the checklist says of a dataset beside its counts."""

    reader: str = Field(description="what read it")
    modality: str = Field(description="kind of image")
    splits: SplitSettings = Field(description="shares of the patients in the five splits")
    split_seed: int = Field(description="that dealt the patients to the splits")
    max_per_label: int | None = Field(description="images of a label that were kept at most; null: all")


class CheckedTraining(Strict):
    """The main settings of a training."""

    steps: int = Field(description="that it may take")
    batch: int = Field(description="images of a step")
    optimizer: str = Field(description="its name")
    learning_rate: float = Field(description="the highest")


class CheckedMethod(Strict):
    """What the checklist says of a method."""

    kind: str = Field(description="kind of method")
    start: str | None = Field(description="method that it starts from; null: the foundation")
    guarded: bool = Field(description="whether a guard chooses the state that is kept")
    training: CheckedTraining | None = Field(description="its own training; null where it has none")


class ChecklistJob(Run):
    """What `write_checklist` needs to know: the run, and how it was configured."""

    notice: str = Field(description="what plays the part of real images")
    data: dict[str, CheckedDataset] = Field(description="the datasets by name")
    generator: str | None = Field(description="the generator that is adapted; null where there is none")
    generator_trained: bool = Field(description="whether the run trained it")
    ways: dict[str, CheckedMethod] = Field(description="the methods by name")
    knowledge: str = Field(description="who wrote the descriptions and checklists of labels")
