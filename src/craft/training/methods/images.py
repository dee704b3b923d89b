"""Images that another program made, judged like those of any method; nothing is trained and nothing is sampled."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from craft.core.settings import PathText
from craft.datasets.readers import READERS
from craft.datasets.settings import DatasetSettings, LabelNames
from craft.training.methods.base import MethodSettings
from craft.training.settings import Prompts

TABLE = ".parquet"


class ImagesMethod(MethodSettings):
    """Images that another program made: a folder or a parquet table, read as real images are."""

    sampled: ClassVar[bool] = False
    # nobody asks for them, so that no key says how
    prompts: ClassVar[Prompts] = "plain"
    start: ClassVar[None] = None
    sampling: ClassVar[None] = None

    kind: Literal["images"] = Field(description="images that another program made, judged like any method")
    path: PathText = Field(
        min_length=1,
        description="image folder (`labels.csv`, or a sub-folder for each label) or parquet table, absolute or below"
        " $CRAFT_DATA (default data/raw); `{dataset}` and `{seed}` in it stand for those of the run",
        examples=["my_gan/{dataset}"],
    )
    table: PathText = Field(
        "labels.csv", description="label table in the folder; without one, class sub-folders are labels"
    )
    label_column: str = Field("label", description="column of the table that holds the label")
    label_names: LabelNames = Field(
        {}, description="renames raw labels, for example {'mel': melanoma}, beside the dataset's own `label_names`"
    )
    enlarge: bool = Field(False, description="enlarge images smaller than `resolution` instead of leaving them out")
    max_quarantined: float = Field(0.02, ge=0, le=1, description="share of unusable images above which the run stops")

    def check_run(self, name: str, datasets: Iterable[str], seeds: Iterable[int]) -> None:
        """Check that no two datasets or seeds of the run would be given the same images.

        Raises:
            ValueError: one sentence that names the key below `methods`.
        """
        for what, values in (("dataset", list(datasets)), ("seed", list(seeds))):
            if len(values) > 1 and f"{{{what}}}" not in self.path:
                stem, suffix = (self.path.removesuffix(TABLE), TABLE) if self.path.endswith(TABLE) else (self.path, "")
                raise ValueError(
                    f"methods.{name}.path is {self.path!r}, the same images for each {what} of"
                    f" {', '.join(map(str, values))}; write for example `path: {stem}/{{{what}}}{suffix}`, or run one"
                    f" {what} alone"
                )

    def reader(self, name: str, dataset: DatasetSettings, seed: int, resolution: int) -> DatasetSettings:
        """Where the images of one dataset and seed are, as a dataset says it.

        Args:
            name: of the dataset.
            dataset: its section, whose labels they have.
            seed: of the run.
            resolution: side of the run's images, which theirs must have at least.
        """
        path = self.path.replace("{dataset}", name).replace("{seed}", str(seed))
        kind = "image_table" if path.endswith(TABLE) else "image_folder"
        known: Mapping[str, str] = getattr(dataset, "label_names", {})
        settings = {
            "reader": kind,
            "path": path,
            "modality": dataset.modality,
            "labels": dataset.labels,
            "label_column": self.label_column,
            "label_names": {**known, **self.label_names},
            "min_side": None if self.enlarge else resolution,
            "max_quarantined": self.max_quarantined,
        }
        # what looks like a mask is the generator's doing, and is judged
        folder = {"table": self.table, "take_masks": True} if kind == "image_folder" else {}
        return READERS[kind].model_validate(settings | folder)


METHOD = ImagesMethod
