"""Evaluators in the formats of `transformers`: any CLIP- or SigLIP-shaped model folder or hub id."""

from pathlib import Path

import torch

from craft.core.errors import CraftError
from craft.models.evaluators import ImageTextEvaluator
from craft.models.hub import OPEN_CLIP, check_source
from craft.models.preprocessing import read_preprocessor
from craft.models.tokenizer import fit_tokenizer
from craft.models.weights import check_hashes, load_whole, loading


def load(path: str, device: str = "cpu", **hub: str | bool) -> ImageTextEvaluator:
    """Load a frozen evaluator from a folder or a hub id, in float32.

    Args:
        path: folder or hub id.
        device: `cpu` or a GPU.
        hub: `revision`, `variant` and `local_files_only`, as transformers takes them.

    Raises:
        CraftError: if there is no such model, it has no image and text encoder, or its folder does not say how images
            and texts reach them.
    """
    from transformers import AutoModel, AutoTokenizer

    with loading("image-text evaluator", path):
        check_source(path)
        if (Path(path) / OPEN_CLIP).is_file():
            raise CraftError("it holds a model of open_clip; write `loader: open_clip` beside its path")
        check_hashes(path)
        model = load_whole(AutoModel.from_pretrained, path, dtype=torch.float32, trust_remote_code=False, **hub)
        if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
            raise CraftError("it is no image-text evaluator; name a CLIP- or SigLIP-shaped model")
        hub.pop("variant", None)
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, **hub)
        fit_tokenizer(tokenizer, getattr(model, "text_model", torch.nn.Identity()))
        size, mean, std = read_preprocessor(path, **hub)
        evaluator = ImageTextEvaluator(model, tokenizer, size, mean, std).requires_grad_(False).eval()
        evaluator.try_out()
        return evaluator.to(device)


LOADER = load
