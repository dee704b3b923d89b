"""Evaluators in the formats of `transformers`: any CLIP- or SigLIP-shaped model folder or hub id."""

import torch

from craft.core.errors import CraftError
from craft.models.evaluators import ImageTextEvaluator
from craft.models.preprocessing import read_preprocessor
from craft.models.weights import check_hashes, load_whole, loading


def load(path: str, device: str = "cpu") -> ImageTextEvaluator:
    """Load a frozen evaluator from a folder or a hub id, in float32.

    Raises:
        CraftError: if there is no such model or it has no image and text encoder.
    """
    from transformers import AutoModel, AutoTokenizer

    with loading("image-text evaluator", path):
        check_hashes(path)
        model = load_whole(AutoModel.from_pretrained, path, dtype=torch.float32, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        size, mean, std = read_preprocessor(path)
        if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
            raise CraftError("it is no image-text evaluator; name a CLIP- or SigLIP-shaped model")
        evaluator = ImageTextEvaluator(model, tokenizer, size, mean, std).requires_grad_(False).eval()
        evaluator.try_out()
        return evaluator.to(device)


LOADER = load
