"""What an evaluator or encoder sees in images, read from a feature file by image id, without any model."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from craft.core.rows import read_rows


def read_embeddings(path: Path, model: str, ids: Sequence[str]) -> Tensor:
    """Features (n, width) of the images with these ids: an evaluator's are L2-normalised, an encoder's as they are.

    Args:
        path: feature file of a dataset or of a generated image set.
        model: name of the evaluator or encoder.
        ids: of the images, in any order.

    Raises:
        CraftError: if the file is missing, or lacks the model or an image.
    """
    return read_rows(path, f"{model}/images", ids, "encode_images score_images")
