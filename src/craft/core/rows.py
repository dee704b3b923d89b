"""Tensor files whose rows belong to images: written with the images' ids, and read back by id, never by position."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from craft.core.errors import CraftError
from craft.core.files import write_tensors
from craft.core.reading import open_tensors

IDS = "image_ids"


def write_rows(path: Path, ids: Sequence[str], rows: Mapping, others: Mapping | None = None) -> None:
    """Write tensors with one row per image, and others, as safetensors.

    Args:
        path: file to write.
        ids: ids of the images, n of them, all different.
        rows: name -> tensor of shape (n, ...).
        others: name -> tensor of any shape.

    Raises:
        ValueError: if a tensor has another number of rows, or an id occurs twice.
    """
    if wrong := [name for name, tensor in rows.items() if len(tensor) != len(ids)]:
        raise ValueError(f"{wrong[0]!r} has {len(rows[wrong[0]])} rows for {len(ids)} images")
    if len(set(ids)) != len(ids):
        raise ValueError("an image id occurs twice")
    write_tensors(path, {**rows, **(others or {}), IDS: pack_ids(ids)})


def read_rows(path: Path, name: str, ids: Sequence[str], again: str):
    """The rows of some images in one tensor of a file, shape (len(ids), ...).

    Args:
        path: of `write_rows`.
        name: of the tensor.
        ids: of the images, in any order.
        again: the rule that makes the file, for messages.

    Raises:
        CraftError: if the file is missing or damaged, or lacks the tensor or an image.
    """
    if not Path(path).is_file():
        raise CraftError(f"no file {path}: run `snakemake {path}` first")
    with open_tensors(path, f"run `snakemake --forcerun {again}`") as file:
        names = list(file.keys())
        if lacking := [key for key in (name, IDS) if key not in names]:
            raise CraftError(f"{path} has no {lacking[0]!r}; run `snakemake --forcerun {again}`")
        known, tensor = unpack_ids(file.get_tensor(IDS)), file.get_tensor(name)
    require_rows(path, {name: tensor}, len(known), again)
    return tensor[find_rows(known, ids, path, again)]


def require_rows(path: Path, tensors: Mapping, rows: int, again: str) -> None:
    """Raise a CraftError if tensors that belong to images have another number of rows, or hold what is no number."""
    mend = f"run `snakemake --forcerun {again}`"
    for name, tensor in tensors.items():
        if tensor.dim() < 2 or len(tensor) != rows:
            raise CraftError(f"{path}: {name!r} has the shape {tuple(tensor.shape)}, not {rows} rows; {mend}")
        if not tensor.isfinite().all():
            raise CraftError(f"{path}: {name!r} holds numbers that are not finite; {mend}")


def find_rows(known: Sequence[str], ids: Sequence[str], path: Path, again: str) -> np.ndarray:
    """Row numbers (n,) of ids among known ones.

    Raises:
        CraftError: if an id is not known.
    """
    places = {name: row for row, name in enumerate(known)}
    if missing := [name for name in ids if name not in places]:
        raise CraftError(
            f"{path} does not hold the image {missing[0]!r} ({len(missing)} of {len(ids)} are missing): it was made for"
            f" another image table; run `snakemake --forcerun {again}`"
        )
    return np.array([places[name] for name in ids], int)


def pack_ids(ids: Sequence[str]):
    """Ids as a tensor of bytes, shape (n, longest), padded with zeros."""
    import torch

    texts = np.array([name.encode() for name in ids], dtype=bytes)
    return torch.from_numpy(texts.view(np.uint8).reshape(len(texts), -1).copy()) if len(texts) else torch.empty(0, 0)


def unpack_ids(packed) -> list[str]:
    """What `pack_ids` packed."""
    return [bytes(row).rstrip(b"\0").decode() for row in packed.numpy()]
