"""The image embeddings that `encode_images` and `score_images` leave beside an image table."""

from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from craft.core.errors import CraftError


def read_embeddings(path: Path, evaluator: str, images: int) -> Tensor:
    """An evaluator's embeddings of all images of a table, unit vectors (images, width).

    Args:
        path: `features.safetensors` beside the table.
        evaluator: name of the evaluator.
        images: number of rows of the image table.

    Raises:
        CraftError: if the file is missing, lacks the evaluator, or belongs to another table.
    """
    again = "run `snakemake --forcerun encode_images score_images`"
    if not Path(path).is_file():
        raise CraftError(f"no feature file {path}: run `snakemake {path}` first")
    with safe_open(path, framework="pt") as file:
        if (key := f"{evaluator}/images") not in file.keys():  # noqa: SIM118, a safetensors file is no dictionary
            raise CraftError(f"{path} has no features of evaluator {evaluator!r}; {again}")
        embeddings = file.get_tensor(key)
    if len(embeddings) != images:
        raise CraftError(f"{path} holds {len(embeddings)} images, its table {images}; {again}")
    return embeddings
