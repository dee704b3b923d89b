"""Copies of one model among those that a job has loaded, whatever their names, files, order or precision."""

import hashlib
from collections.abc import Iterator

from craft.core.errors import CraftError
from craft.core.settings import Role


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
