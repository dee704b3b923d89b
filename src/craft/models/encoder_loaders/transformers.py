"""Encoders in the formats of `transformers`: any vision model folder or hub id with pooled features, such as DINOv2."""

import torch

from craft.core.errors import CraftError
from craft.models.encoders import PooledModel, VisionEncoder
from craft.models.hub import check_source
from craft.models.preprocessing import read_preprocessor
from craft.models.weights import check_hashes, load_whole, loading


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

    with loading("vision encoder", path):
        check_source(path)
        check_hashes(path)
        model = load_whole(AutoModel.from_pretrained, path, dtype=torch.float32, trust_remote_code=False, **hub)
        hub.pop("variant", None)
        size, mean, std = read_preprocessor(path, **hub)
        encoder = VisionEncoder(PooledModel(model), size, mean, std, model).requires_grad_(False).eval()
        if not encoder.embed(torch.full((1, 3, size, size), 0.5)).isfinite().all():
            raise CraftError("its features are no finite numbers")
        return encoder.to(device)


LOADER = load
