"""The images of the guard's fixed noise at every check, kept for the study of the proxy gap.

Nothing in the training reads them. Each check is one small file beside the checkpoints, so that neither memory nor the
checkpoints grow with the number of checks, and a resumed training finds those of its earlier part.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch.nn.functional as F
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.files import write_parquet
from craft.core.images import encode_png, from_tensor
from craft.core.reading import read_frame
from craft.training.preview import write_preview
from craft.training.results import CHECK_COLUMNS

LARGEST = 256


def check_file(folder: Path, step: int) -> Path:
    """Where the images of one check lie."""
    return folder / f"step{step:06d}.parquet"


def keep_check(folder: Path, labels: Sequence[str], step: int, images: Tensor) -> None:
    """Write the images of one check; images larger than `LARGEST` pixels are kept at that size.

    Args:
        folder: of the training's checks.
        labels: label of every image.
        step: of the training.
        images: shape (n, 3, size, size), in [0, 1].
    """
    if images.shape[-1] > LARGEST:
        images = F.interpolate(images, size=(LARGEST, LARGEST), mode="bilinear", antialias=True)
    cells = [{"bytes": encode_png(image), "path": None} for image in from_tensor(images)]
    frame = pd.DataFrame({"step": step, "number": range(len(cells)), "label": list(labels), "image": cells})
    write_parquet(check_file(folder, step), frame[list(CHECK_COLUMNS)])


def collect_checks(folder: Path, steps: Sequence[int]) -> pd.DataFrame:
    """The images of all checks of a training, in the columns `CHECK_COLUMNS`.

    Raises:
        CraftError: if a check's file is missing.
    """
    paths = [check_file(folder, step) for step in steps]
    if missing := [path for path in paths if not path.is_file()]:
        raise CraftError(f"the images of a check are missing, {missing[0]}: delete {folder.parent} and train again")
    return pd.concat([read_frame(path, f"delete {folder.parent} and train again") for path in paths], ignore_index=True)


def write_checks(checks: pd.DataFrame | None, pictures: list[Tensor], table: Path, preview: Path) -> None:
    """Write the images of all checks as a table, and the guard's pictures as a contact sheet.

    Args:
        checks: of `collect_checks`.
        pictures: uint8, shape (images, 3, size, size), one tensor for every check.
        table: file to write.
        preview: PNG to write.

    Raises:
        CraftError: if the training made no checks.
    """
    if checks is None:
        raise CraftError(
            "the training made no checks of fixed noise, which `finetune_reward` hands on; give its kind of method"
            ' `rule = "train_adapter"`'
        )
    write_preview(preview, pictures, checks["step"].unique().tolist())
    write_parquet(table, checks)
