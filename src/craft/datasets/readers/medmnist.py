"""Reader of MedMNIST array files (Yang et al. 2023, https://medmnist.com).

The official train, val and test arrays are pooled, since this pipeline needs five splits. MedMNIST publishes no patient
ids, so an image is its own group, named by its content: equal images share a group. Images of one patient may therefore
fall into different splits.
"""

import math
import re
import tempfile
import zipfile
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from craft.core.errors import CraftError
from craft.core.reading import reading
from craft.core.settings import PathText
from craft.datasets.labels import LabelNaming
from craft.datasets.preprocess import from_memory, to_square
from craft.datasets.readers.base import RawImage, Reading, Reason, display_name, locate, missing_data
from craft.datasets.settings import DatasetSettings, LabelNames

PARTS = ("train", "val", "test")
READ_LONG_HEADER = np.lib.format.read_array_header_2_0


class MedmnistDataset(DatasetSettings):
    """An array file of MedMNIST."""

    reader: Literal["medmnist"] = Field(description="an array file of MedMNIST")
    path: PathText = Field(
        description="npz file, absolute or below $CRAFT_DATA; downloaded by `medmnist` where missing",
        examples=["pneumoniamnist_64.npz"],
    )
    label_names: LabelNames = Field({}, description="raw class number -> label, for example {'0': normal}")

    @property
    def names_patients(self) -> bool:
        """MedMNIST publishes no ids."""
        return False

    def read(self) -> Reading:
        """See `DatasetSettings.read`."""
        return read_medmnist(self)

    def watched_files(self) -> list[Path]:
        """The array file, where it is there."""
        return [locate(self.path)] if locate(self.path).is_file() else []


def read_medmnist(settings: MedmnistDataset) -> Reading:
    """All images of the file, in the order of its arrays; downloads the file where it is missing.

    Raises:
        CraftError: if the file is missing and cannot be downloaded, is no single-label 2-D MedMNIST file, or a
            configured label never occurs.
    """
    path = locate(settings.path)
    if not path.is_file():
        download(path)
    where = display_name(path)
    images, raw_labels, places = read_arrays(path)
    naming = LabelNaming(settings.label_names, settings.labels)
    naming.require_all(raw_labels, where)
    reading = Reading()
    for image, raw, place in zip(images, raw_labels, places, strict=True):
        if label := naming.chosen(raw):
            load = partial(load_array, image)
            reading.append(RawImage(f"{where}:{place}", label, sha256(image.tobytes()).hexdigest(), load))
        else:
            reading.leave_out(Reason.LABEL_NOT_CHOSEN, raw)
    return reading


def load_array(image: np.ndarray, size: int) -> tuple[np.ndarray, dict[str, str]]:
    """Resize one array of shape (h, w) or (h, w, 3)."""
    return to_square(from_memory(image), size), {}


def read_arrays(path: Path) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Images, class numbers as text, and places ('train/0') of all arrays of a file."""
    expected = "expected train/val/test_images, uint8 of shape (n, h, w) or (n, h, w, 3), with _labels of shape (n, 1)"
    images, labels, places = [], [], []
    where = display_name(path)
    with reading(where, "a single-label 2-D MedMNIST file", expected):
        check_sizes(path)
        with np.load(path, allow_pickle=False) as arrays:
            for part in [part for part in PARTS if f"{part}_images" in arrays]:
                pixels, classes = arrays[f"{part}_images"], arrays[f"{part}_labels"]
                if pixels.dtype != np.uint8 or not (pixels.ndim == 3 or (pixels.ndim == 4 and pixels.shape[3] == 3)):
                    raise ValueError(f"{part}_images is {pixels.dtype} of shape {pixels.shape}")
                if classes.size != len(pixels):
                    raise ValueError(f"{part}_labels is of shape {classes.shape} for {len(pixels)} images")
                if classes.dtype.kind not in "iufb":
                    raise ValueError(f"{part}_labels holds {classes.dtype}, no class numbers")
                if classes.dtype.kind == "f" and not np.isfinite(classes).all():
                    raise ValueError(f"{part}_labels holds numbers that are not finite")
                images += list(pixels)
                labels += [str(int(number)) for number in classes.reshape(-1)]
                places += [f"{part}/{index}" for index in range(len(pixels))]
    if not images:
        raise CraftError(f"{where} holds no MedMNIST array; {expected}")
    return images, labels, places


def check_sizes(path: Path) -> None:
    """Refuse an archive of arrays that say they are larger than what is stored, before memory is asked for them.

    Raises:
        ValueError: if an array of the file does so.
        Exception: whatever is met in a file that is no such archive.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as stored:
                version = np.lib.format.read_magic(stored)
                read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else READ_LONG_HEADER
                shape, _, kind = read_header(stored)
                if math.prod(shape) * kind.itemsize != member.file_size - stored.tell():
                    raise ValueError(f"{member.filename} holds fewer or more numbers than its header says")


def download(path: Path) -> None:
    """Fetch a file such as `pneumoniamnist_64.npz` with the `medmnist` package.

    Raises:
        CraftError: if the package is missing, knows no such file, or there is no network.
    """
    try:
        import medmnist
    except ImportError as error:
        hint = "; or `pip install medmnist`, with which it is downloaded"
        raise CraftError(f"{missing_data(path, 'MedMNIST file')}{hint}") from error
    flag, size = re.fullmatch(r"(.*?)(?:_(\d+))?", path.stem).groups()
    if path.suffix != ".npz" or flag not in medmnist.INFO:
        raise CraftError(
            f"{missing_data(path, 'MedMNIST file')}; MedMNIST has no such file to download, its names are like"
            " pneumoniamnist.npz or pneumoniamnist_64.npz"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".medmnist.", dir=path.parent) as workspace:
        try:
            reader = getattr(medmnist, medmnist.INFO[flag]["python_class"])
            reader(split="train", root=workspace, size=int(size) if size else 28, download=True)
        # the package raises a bare RuntimeError or AssertionError whatever went wrong
        except (RuntimeError, AssertionError, OSError) as error:
            raise CraftError(f"{missing_data(path, 'MedMNIST file')}; its download failed") from error
        (Path(workspace) / path.name).replace(path)


READER = MedmnistDataset
