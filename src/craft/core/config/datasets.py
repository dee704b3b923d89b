"""Settings of the datasets: where images come from and how their patients are split."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from craft.core.config.base import Name, Positive, Share, Strict


class Splits(Strict):
    """Shares of the patients: train (generators, classifiers), reference (plausibility), calibration and test."""

    train: Share = 0.5
    reference: Share = 0.15
    calibration: Share = 0.15
    test: Share = 0.2

    @model_validator(mode="after")
    def sum_to_one(self):
        total = self.train + self.reference + self.calibration + self.test
        if abs(total - 1.0) > 1e-6:
            raise ValueError(
                f"split fractions sum to {total:.3f}, not 1;"
                " write for example `splits: {train: 0.5, reference: 0.15, calibration: 0.15, test: 0.2}`"
            )
        return self


class DatasetBase(Strict):
    """What every dataset has.

    `modality` names the knowledge file; `labels` maps nothing, it selects and orders the labels that are used.
    """

    modality: Name
    labels: list[Name] = Field(min_length=2)
    splits: Splits = Splits()
    split_seed: int = 0
    max_quarantined: float = Field(0.02, ge=0, le=1, description="share of unreadable files above which the run stops")
    max_per_label: Positive | None = Field(None, description="keep at most this many images of a label")


class PhantomDataset(DatasetBase):
    reader: Literal["phantom"]
    images_per_label: Positive = 500
    seed: int = 0


class ImageFolderDataset(DatasetBase):
    reader: Literal["image_folder"]
    path: str = Field(description="folder, absolute or below $CRAFT_DATA (default data/raw)")
    table: str = Field("labels.csv", description="label table in the folder; without one, class sub-folders are labels")
    label_column: str = "label"
    group_column: str | None = Field(None, description="patient or lesion id; without one every image is its own group")
    label_names: dict[str, Name] = Field({}, description="renames raw labels, for example {'0': grade_0}")


class MedmnistDataset(DatasetBase):
    reader: Literal["medmnist"]
    path: str = Field(description="npz file, absolute or below $CRAFT_DATA; downloaded by `medmnist` where missing")
    label_names: dict[str, Name] = Field({}, description="raw class number -> label, for example {'0': normal}")


Dataset = Annotated[PhantomDataset | ImageFolderDataset | MedmnistDataset, Field(discriminator="reader")]
