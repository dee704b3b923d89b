"""Settings of the datasets: what every reader's have in common, how patients are split, and the preparation's job."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from craft.core.registry import Chosen
from craft.core.settings import JobSettings, Name, Positive, Share, Strict
from craft.datasets.readers import READERS

if TYPE_CHECKING:
    from craft.datasets.readers.base import RawImage


def require_words(labels: Any) -> Any:
    """Labels as the configuration has them; a ValueError for those that are no label keys, with the line to write."""
    if not isinstance(labels, list):
        return labels
    if any(isinstance(label, bool) for label in labels):
        raise ValueError(
            "YAML reads yes and no, on and off as true and false; put such labels between quotes, for example"
            ' `labels: ["yes", "no"]`'
        )
    for label in labels:
        if isinstance(label, str) and label and (key := label_key(label)) != label:
            fault = "a blank" if " " in label else "more than lower-case letters, digits and underscores"
            raise ValueError(
                f"the label {label!r} holds {fault}; name labels in lower case and rename the data's, for example"
                f" `label_names: {{{label}: {key}}}`"
            )
    return labels


def label_key(label: str) -> str:
    """A label in lower case, with underscores for what a label key cannot hold."""
    key = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in label.lower()).strip("_")
    return key if key[:1].isalpha() else f"label_{key}"


def require_raw_words(names: Any) -> Any:
    """Raw labels as text: numbers become words, since YAML reads 0 as a number; true and false are refused."""
    if not isinstance(names, dict):
        return names
    if any(isinstance(raw, bool) for raw in names):
        raise ValueError(
            "YAML reads yes and no, on and off as true and false; put such raw labels between quotes, for example"
            ' `label_names: {"no": healthy, "yes": tumour}`'
        )
    return {str(raw) if isinstance(raw, int) else raw: name for raw, name in names.items()}


LabelNames = Annotated[dict[str, Name], BeforeValidator(require_raw_words)]


class SplitSettings(Strict):
    """Shares of the patients in the five splits, which sum to 1."""

    train: Share = Field(0.45, description="share that trains generators and classifiers")
    reference: Share = Field(
        0.1, description="share among which plausibility under the reward and the monitor looks for neighbours"
    )
    held_out_reference: Share = Field(0.1, description="the same under held-out evaluators, which share no image")
    calibration: Share = Field(0.15, description="share on which CAS is calibrated and classifiers stop early")
    test: Share = Field(0.2, description="share that sets thresholds and on which every reported number rests")

    @model_validator(mode="after")
    def sum_to_one(self):
        total = self.train + self.reference + self.held_out_reference + self.calibration + self.test
        if abs(total - 1.0) > 1e-6:
            raise ValueError(
                f"split fractions sum to {total:.3f}, not 1;"
                " write for example `splits: {train: 0.45, reference: 0.1, held_out_reference: 0.1, calibration: 0.15,"
                " test: 0.2}`"
            )
        return self


class DatasetSettings(Strict):
    """What every dataset has, whatever reader it has; a reader's settings are a subclass that can read the images."""

    # threads that load images; more than one helps where loading releases the interpreter lock
    threads: ClassVar[int] = 1
    # what brings more images, for messages
    more_images: ClassVar[str] = "add images"

    modality: Name = Field(description="kind of image; names the file of its knowledge")
    labels: list[Name] = Field(min_length=2, description="labels that are used, in the order of all tables")
    splits: SplitSettings = Field(SplitSettings(), description="shares of the patients in the five splits")
    split_seed: int = Field(0, description="another number deals the patients to the splits anew")
    max_quarantined: float = Field(0.02, ge=0, le=1, description="share of unreadable files above which the run stops")
    max_per_label: Positive | None = Field(None, description="keep at most this many images of a label; null: all")
    twin_similarity: Share = Field(
        0.85, description="correlation of their details from which on two images are twins, nearly the same"
    )
    keep_twins_together: bool = Field(
        False,
        description="deal twins to one split; a new image may then move old ones, which the hash alone never does",
    )
    # no job of the data knows it, so that a change prepares nothing anew
    show_images: bool = Field(
        False,
        exclude=True,
        description="whether the gallery may show images of the data, as they are and decoded; only where licence and"
        " patients allow it",
    )

    _labels_are_words = field_validator("labels", mode="before")(require_words)

    @field_validator("labels")
    @classmethod
    def labels_are_unique(cls, labels: list[str]) -> list[str]:
        if twice := [label for label in labels if labels.count(label) > 1]:
            raise ValueError(f"the label {twice[0]!r} stands there twice; remove it once")
        return labels

    @property
    def names_patients(self) -> bool:
        """Whether the data say which images are of one patient; if not, every image counts as a patient of its own."""
        return True

    @abstractmethod
    def read(self) -> "Sequence[RawImage]":
        """All images with configured labels, not yet decoded; a `Reading` counts what was left out, too.

        Raises:
            CraftError: if data are missing or a configured label never occurs.
        """

    def require_data(self) -> None:
        """Raise a CraftError if the raw data are not there; called before the first job of a run, so it is quick."""

    def watched_files(self) -> list[Path]:
        """Raw files whose content makes the dataset out of date when it changes, as far as they exist."""
        return []

    def watched_folder(self) -> Path | None:
        """Folder whose images make the dataset out of date when one is added, removed or replaced."""
        return None


class PrepareJob(JobSettings):
    """What `prepare_images` needs to know."""

    dataset: str = Field(description="name of the dataset")
    resolution: int = Field(description="side of the images in pixels")
    images: Annotated[Any, Chosen(READERS, "reader")] = Field(description="the dataset's section of the configuration")


class ReadJob(JobSettings):
    """What `read_images` needs to know: images that another program made, as a method of the run."""

    dataset: str = Field(description="name of the dataset")
    method: str = Field(description="name of the method")
    seed: int = Field(description="seed under which the images stand")
    resolution: int = Field(description="side of the images in pixels")
    images: Annotated[Any, Chosen(READERS, "reader")] = Field(description="where they are, as a dataset would say it")
