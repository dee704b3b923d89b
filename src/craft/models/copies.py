"""Copies of one model under two names: found by place and bytes before a run, and by what was loaded within it.

A hub id and its local copy are one model, and so are two folders whose weights are divided among other files, named
otherwise or written in another precision.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from craft.core.errors import CraftError
from craft.core.settings import Role

WEIGHTS = ("*.safetensors", "*.bin", "*.pt")


def describe_copy(first: str, second: str) -> str | None:
    """In what the models of two paths are one, by path, place or bytes; None where they differ or are not here."""
    if first == second or Path(first).resolve() == Path(second).resolve():
        return f"have the same path {second!r}"
    one, two = find_folder(first), find_folder(second)
    if one is None or two is None:
        return None
    if one.resolve() == two.resolve():
        return f"have the same path {second!r}"
    return f"have the same weights in {first!r} and {second!r}" if same_weights(one, two) else None


def find_folder(path: str) -> Path | None:
    """The folder of a path, or the local snapshot of a hub id; None where there is none. Asks no network."""
    if Path(path).is_dir():
        return Path(path)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(path, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None


def same_weights(first: Path, second: Path) -> bool:
    """Whether two model folders hold weight files of the same bytes, whatever their names."""
    files = [sorted(file for kind in WEIGHTS for file in folder.glob(kind)) for folder in (first, second)]
    # only files of equal size are read, so that a configuration of large models is checked in no time
    sizes = [sorted(file.stat().st_size for file in group) for group in files]
    if not files[0] or sizes[0] != sizes[1]:
        return False
    one, two = (sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in group) for group in files)
    return one == two


class LoadedModels:
    """What was loaded so far, by the digest of its weights; a model that meets itself in another role is refused."""

    def __init__(self):
        self.known: dict[str, tuple[str, Role]] = {}

    def add(self, name: str, role: Role, model) -> None:
        """Remember a model (`torch.nn.Module`) and its towers.

        Raises:
            CraftError: if one of them is in the run already, in another role.
        """
        for part, module in parts_of(model):
            digest = digest_weights(module)
            if digest is None:
                continue
            what = f"the {part} of {name!r}" if part else repr(name)
            first, other = self.known.setdefault(digest, (what, role))
            if other != role:
                raise CraftError(
                    f"{first} ({other}) and {what} ({role}) hold the same weights, so that one model has two roles;"
                    " give every role a model of its own"
                )


def parts_of(model) -> Iterator[tuple[str, object]]:
    """A model, named '', and its image and text towers, as far as it has them."""
    yield "", model
    inner = getattr(model, "model", None)
    for part, attribute in (("image tower", "vision_model"), ("text tower", "text_model")):
        if (tower := getattr(inner, attribute, None)) is not None:
            yield part, tower
    # a locked tower is no part of its evaluator's weights
    if getattr(model, "tower", None):
        yield "image tower", inner.encoder


def digest_weights(model) -> str | None:
    """SHA-256 of all numbers in a module, whatever their names and order, in half precision; None without numbers."""
    tensors = [tensor for tensor in model.state_dict().values() if tensor.is_floating_point() and tensor.dim()]
    if not tensors:
        return None
    halves = (tensor.detach().half().cpu().contiguous() for tensor in tensors)
    # a set, since an encoder holds its network under two names
    each = {hashlib.sha256(f"{tuple(half.shape)}".encode() + half.numpy().tobytes()).digest() for half in halves}
    return hashlib.sha256(b"".join(sorted(each))).hexdigest()
