"""Tiny real components for tests: random weights, real classes, real folder formats."""

from pathlib import Path

import torch

from craft.knowledge.schema import Knowledge
from craft.models.architectures import build_autoencoder, build_evaluator
from craft.models.encoders import VisionEncoder
from craft.models.evaluators import ImageTextEvaluator
from craft.models.foundation import Foundation
from craft.models.settings import EncoderRef, EncoderTraining, EvaluatorRef, EvaluatorTraining, FoundationTraining
from craft.models.texts import text_config
from craft.models.tokenizer import train_tokenizer
from craft.reward.judge import Judge
from craft.training.encoder import build_encoder
from craft.training.foundation import assemble

TEXTS = ["a nevus with a regular border", "a melanoma with several colours", "the heart is of normal size"]
SMALL = FoundationTraining(autoencoder_channels=[8, 16, 16], latent_channels=4, text_width=32, unet_channels=[16, 32])


def tiny_evaluator(size: int = 32, family: str = "clip_resnet", seed: int = 0) -> ImageTextEvaluator:
    """A random frozen evaluator."""
    torch.manual_seed(seed)
    training = EvaluatorTraining(family=family, seed=seed, width=32)
    return build_evaluator(training, train_tokenizer(TEXTS), size).requires_grad_(False).eval()


def tiny_encoder(size: int = 32, tower: str = "resnet", seed: int = 0) -> VisionEncoder:
    """A random frozen vision encoder, whose features are 64 numbers wide."""
    torch.manual_seed(1000 + seed)
    return build_encoder(EncoderTraining(tower=tower, seed=seed, width=32), size).requires_grad_(False).eval()


def tiny_judge(size: int = 32, family: str = "clip_resnet", tower: str = "resnet", seed: int = 0) -> Judge:
    """A random frozen evaluator and vision encoder."""
    return Judge(tiny_evaluator(size, family, seed), tiny_encoder(size, tower, seed))


def tiny_ref(name: str, role: str, folder: Path) -> EvaluatorRef:
    """Reference to a judge below a folder: its evaluator in the folder `name`, its encoder in `<name>_encoder`."""
    encoder = EncoderRef(name=f"{name}_encoder", role=role, path=str(folder / f"{name}_encoder"))
    return EvaluatorRef(name=name, role=role, path=str(folder / name), encoder=encoder)


def save_judge(judge: Judge, ref: EvaluatorRef) -> None:
    """Save both models of a judge where a reference looks for them."""
    judge.evaluator.save(ref.path)
    judge.encoder.save(ref.encoder.path)


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
