"""Tiny real components for tests: random weights, real classes, real folder formats."""

import torch

from craft.knowledge.schema import Knowledge
from craft.models.architectures import build_autoencoder, build_evaluator, text_config
from craft.models.evaluators import ImageTextEvaluator
from craft.models.foundation import Foundation
from craft.models.settings import EvaluatorTraining, FoundationTraining
from craft.models.tokenizer import train_tokenizer
from craft.training.foundation import assemble

TEXTS = ["a nevus with a regular border", "a melanoma with several colours", "the heart is of normal size"]
SMALL = FoundationTraining(autoencoder_channels=[8, 16, 16], latent_channels=4, text_width=32, unet_channels=[16, 32])


def tiny_evaluator(size: int = 32, family: str = "clip_resnet", seed: int = 0) -> ImageTextEvaluator:
    """A random frozen evaluator."""
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(TEXTS)
    training = EvaluatorTraining(family=family, seed=seed, width=32)
    model = build_evaluator(training, tokenizer)
    half = [0.5, 0.5, 0.5]
    return ImageTextEvaluator(model, tokenizer, size, half, half).requires_grad_(False).eval()


def tiny_foundation(size: int = 32) -> Foundation:
    """A random foundation of the small shapes."""
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    tokenizer = train_tokenizer(TEXTS)
    vae = build_autoencoder(SMALL, size)
    encoder = CLIPTextModel(text_config(tokenizer, SMALL.text_width, 2))
    return assemble(SMALL, vae, encoder, tokenizer, size, "cpu")


def tiny_knowledge() -> Knowledge:
    """Knowledge of two labels."""
    items = [
        {"present": f"the border is regular {i}", "absent": f"the border is ragged {i}", "weight": 1.0}
        | {"facet": "border", "source": "ABCD rule"}
        for i in range(3)
    ]
    label = {
        "definition": "a lesion that is drawn",
        "prompt": "a lesion image",
        "descriptions": ["a lesion with one colour", "a lesion with a border", "a lesion, round and brown"],
        "checklist": items,
    }
    dark = ["a dark lesion with many colours", "a dark lesion, ragged and asymmetric", "a dark lesion with a veil"]
    melanoma = {"name": "melanoma", "prompt": "a dark lesion", "descriptions": dark}
    labels = {"nevus": label | {"name": "nevus"}, "melanoma": label | melanoma}
    return Knowledge.model_validate({"modality": "dermoscopy", "coarse_prompts": ["a skin lesion"], "labels": labels})
