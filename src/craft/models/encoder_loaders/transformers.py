"""Encoders in the formats of `transformers`: any vision model folder or hub id with pooled features, such as DINOv2."""

import torch

from craft.core.errors import CraftError
from craft.models.encoders import PooledModel, VisionEncoder
from craft.models.hub import check_source
from craft.models.preprocessing import read_preprocessor


def load(path: str, device: str = "cpu", **hub: str | bool) -> VisionEncoder:
    """Load a frozen encoder from a folder or a hub id, in float32.

    Args:
        path: folder or hub id.
        device: `cpu` or a GPU.
        hub: `revision`, `variant` and `local_files_only`, as transformers takes them.

    Raises:
        CraftError: if there is no such model.
    """
    from transformers import AutoModel

    try:
        check_source(path)
        model = AutoModel.from_pretrained(path, dtype=torch.float32, **hub)
        hub.pop("variant", None)
        size, mean, std = read_preprocessor(path, **hub)
    except (CraftError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CraftError(f"no vision encoder can be loaded from {path!r}: {reason}") from error
    encoder = VisionEncoder(PooledModel(model), size, mean, std, model)
    return encoder.requires_grad_(False).eval().to(device)


LOADER = load
