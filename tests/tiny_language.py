"""Tiny language models in hub format: random, or trained within seconds to answer one question."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

from craft.knowledge.providers.ask import Turn, state_structure
from craft.knowledge.providers.base import Question
from craft.knowledge.providers.transformers import LocalModel, connect
from craft.knowledge.settings import LanguageModelSettings
from craft.models.tokenizer import END, train_tokenizer

IMAGE = "<image>"
TEXT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
PART_TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}\n{% endfor %}"
)
QUESTION = Question("you see skin", "which colour is it, and how many colours are there?")


class Colours(BaseModel):
    """A small answer."""

    model_config = ConfigDict(extra="forbid")
    colour: Literal["brown", "black"]
    count: int


STATED = replace(QUESTION, text=f"{QUESTION.text}\n\n{state_structure(Colours.model_json_schema())}")


def local_settings(folder: Path, **options) -> LanguageModelSettings:
    """Settings of a local model with a cache beside it."""
    options = {"cache": str(folder.parent / "answers"), "max_tokens": 40, "re_asks": 1} | options
    return LanguageModelSettings(provider="transformers", model=str(folder), **options)


def tiny_tokenizer(*texts: str):
    """A tokenizer of a few texts, which adds no end mark to a question."""
    from tokenizers import processors

    tokenizer = train_tokenizer([QUESTION.system, STATED.text, '{"colour": "brown", "count": 2}', *texts])
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel()
    tokenizer.model_max_length = 1000
    return tokenizer


def text_shape(tokenizer, window: int = 1000) -> dict:
    """Settings of a Llama of two layers."""
    end = tokenizer.convert_tokens_to_ids(END)
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": window,
        "eos_token_id": end,
        "bos_token_id": None,
        "pad_token_id": tokenizer.pad_token_id,
    }


def save_causal(folder: Path, *texts: str, template: str | None = TEXT_TEMPLATE, window: int = 1000) -> Path:
    """Save a random causal language model."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = tiny_tokenizer(*texts)
    tokenizer.chat_template = template
    LlamaForCausalLM(LlamaConfig(**text_shape(tokenizer, window))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_image_text(folder: Path, template: str | None = PART_TEMPLATE) -> Path:
    """Save a random image-text model (LLaVA's shape) for images of any size, which it reads at 16 pixels."""
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE]})
    side = {"height": 16, "width": 16}
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=8
    )
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size=side, crop_size=side),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=template,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=LlamaConfig(**text_shape(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def teach(folder: Path, lessons: list[tuple[Question, list[Turn], str]], steps: int = 90) -> float:
    """Train a saved model until it gives the answers of a few conversations; the last loss is returned."""
    student: LocalModel = connect(local_settings(folder), "cpu")
    student.load()
    pages = []
    for question, turns, answer in lessons:
        inputs = student.encode(question, turns)
        told = student.tokenizer(answer + END, return_tensors="pt", add_special_tokens=False).input_ids
        ids = torch.cat([inputs.pop("input_ids"), told], dim=1)
        labels = torch.cat([torch.full((1, ids.shape[1] - told.shape[1]), -100), told], dim=1)
        pages.append(inputs | {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels})
    optimizer = torch.optim.Adam(student.model.parameters(), lr=5e-3)
    for _ in range(steps):
        loss = sum(student.model.train()(**page).loss for page in pages)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.02:
            break
    student.model.eval().save_pretrained(folder)
    return loss.item()
