"""Encoders in the formats of `transformers`: any vision model folder or hub id with pooled features, such as DINOv2."""

import torch

from craft.core.errors import CraftError
from craft.models.encoders import PooledModel, VisionEncoder
from craft.models.preprocessing import read_preprocessor
from craft.models.weights import check_hashes, load_whole, loading


def load(path: str, device: str = "cpu") -> VisionEncoder:
    """Load a frozen encoder from a folder or a hub id, in float32.

    Raises:
        CraftError: if there is no such model.
    """
    from transformers import AutoModel

    with loading("vision encoder", path):
        check_hashes(path)
        model = load_whole(AutoModel.from_pretrained, path, dtype=torch.float32, trust_remote_code=False)
        size, mean, std = read_preprocessor(path)
        encoder = VisionEncoder(PooledModel(model), size, mean, std, model).requires_grad_(False).eval()
        if not encoder.embed(torch.full((1, 3, size, size), 0.5)).isfinite().all():
            raise CraftError("its features are no finite numbers")
        return encoder.to(device)


LOADER = load
