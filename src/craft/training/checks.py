"""The images of the guard's fixed noise at every check, kept for the study of the proxy gap.

Nothing in the training reads them. Each check is one small file beside the checkpoints, so that neither memory nor the
checkpoints grow with the number of checks, and a resumed run finds those of its earlier part.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch.nn.functional as F
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.files import write_parquet
from craft.core.images import encode_png, from_tensor

LARGEST = 256


def check_file(folder: Path, step: int) -> Path:
    """Where the images of one check lie."""
    return folder / f"step{step:06d}.parquet"


def keep_check(folder: Path, labels: Sequence[str], step: int, images: Tensor) -> None:
    """Write the images of one check; images larger than `LARGEST` pixels are kept at that size.

    Args:
        folder: of the run's checks.
        labels: label of every image.
        step: of the training.
        images: shape (n, 3, size, size), in [0, 1].
    """
    if images.shape[-1] > LARGEST:
        images = F.interpolate(images, size=(LARGEST, LARGEST), mode="bilinear", antialias=True)
    cells = [{"bytes": encode_png(image), "path": None} for image in from_tensor(images)]
    frame = pd.DataFrame({"step": step, "number": range(len(cells)), "label": list(labels), "image": cells})
    write_parquet(check_file(folder, step), frame)


def collect_checks(folder: Path, steps: Sequence[int]) -> pd.DataFrame:
    """The images of all checks of a run: columns step, number (of the noise), label and image (PNG bytes).

    Raises:
        CraftError: if a check's file is missing.
    """
    paths = [check_file(folder, step) for step in steps]
    if missing := [path for path in paths if not path.is_file()]:
        raise CraftError(f"the images of a check are missing, {missing[0]}: delete {folder.parent} and train again")
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
