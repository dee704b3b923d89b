"""A reader of folders named after patients, with the label in front of each file's name: `17/melanoma-03.png`."""

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from craft.core.errors import CraftError
from craft.datasets.preprocess import UnreadableImage, decode, to_square
from craft.datasets.readers import READERS
from craft.datasets.readers.base import RawImage, locate, missing_data
from craft.datasets.settings import DatasetSettings


@READERS.register("patient_folders")
class PatientFolders(DatasetSettings):
    """Images in one folder for each patient."""

    reader: Literal["patient_folders"] = Field(description="folders of patients, labels in the names of the files")
    path: str = Field(description="folder below the data root")

    def read(self) -> list[RawImage]:
        """One entry per file with a configured label; files of other labels are left out."""
        root = locate(self.path)
        if not root.is_dir():
            raise missing_data(root, "data folder")
        files = [(file.name.partition("-")[0], file) for file in self.watched_files()]
        if lacking := set(self.labels) - {label for label, _ in files}:
            raise CraftError(f"{self.path} holds no file {sorted(lacking)[0]}-*.png; correct `labels`")
        return [
            RawImage(file=str(file.relative_to(root)), label=label, group=file.parent.name, load=partial(load, file))
            for label, file in files
            if label in self.labels
        ]

    def watched_files(self) -> list[Path]:
        """The images, in sorted order: a new file makes the dataset out of date."""
        return sorted(locate(self.path).glob("*/*-*.png"))


def load(path: Path, size: int) -> tuple[np.ndarray, dict[str, str]]:
    """Decode a file; there are no further text columns."""
    try:
        return to_square(decode(path.read_bytes()), size), {}
    except OSError as error:
        raise UnreadableImage(f"cannot be opened: {error.strerror}") from error
