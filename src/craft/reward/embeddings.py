"""The image embeddings of an evaluator, read from a feature file by image id, without any model."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from craft.core.rows import read_rows


def read_embeddings(path: Path, evaluator: str, ids: Sequence[str]) -> Tensor:
    """An evaluator's embeddings (n, width) of the images with these ids, L2-normalised.

    Args:
        path: feature file of a dataset or of a generated image set.
        evaluator: name of the evaluator.
        ids: of the images, in any order.

    Raises:
        CraftError: if the file is missing, or lacks the evaluator or an image.
    """
    return read_rows(path, f"{evaluator}/images", ids, "encode_images score_images")
