"""Evaluators in the formats of `transformers`: any CLIP- or SigLIP-shaped model folder or hub id."""

import torch

from craft.core.errors import CraftError
from craft.models.evaluators import ImageTextEvaluator
from craft.models.preprocessing import read_preprocessor


def load(path: str, device: str = "cpu") -> ImageTextEvaluator:
    """Load a frozen evaluator from a folder or a hub id, in float32.

    Raises:
        CraftError: if there is no such model or it has no image and text encoder.
    """
    from transformers import AutoModel, AutoTokenizer

    try:
        model = AutoModel.from_pretrained(path, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(path)
        size, mean, std = read_preprocessor(path)
    except (OSError, ValueError) as error:
        raise CraftError(f"no image-text evaluator can be loaded from {path!r}: {error}".split("\n")[0]) from error
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise CraftError(f"the model {path!r} is no image-text evaluator; name a CLIP- or SigLIP-shaped model")
    evaluator = ImageTextEvaluator(model, tokenizer, size, mean, std)
    return evaluator.requires_grad_(False).eval().to(device)


LOADER = load
