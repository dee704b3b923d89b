"""Encoders in the formats of `transformers`: any vision model folder or hub id with pooled features, such as DINOv2."""

import torch

from craft.core.errors import CraftError
from craft.models.encoders import PooledModel, VisionEncoder
from craft.models.preprocessing import read_preprocessor


def load(path: str, device: str = "cpu") -> VisionEncoder:
    """Load a frozen encoder from a folder or a hub id, in float32.

    Raises:
        CraftError: if there is no such model.
    """
    from transformers import AutoModel

    try:
        model = AutoModel.from_pretrained(path, dtype=torch.float32)
        size, mean, std = read_preprocessor(path)
    except (OSError, ValueError, KeyError) as error:
        raise CraftError(f"no vision encoder can be loaded from {path!r}: {error}".split("\n")[0]) from error
    encoder = VisionEncoder(PooledModel(model), size, mean, std, model)
    return encoder.requires_grad_(False).eval().to(device)


LOADER = load
