"""Models that run in this process: a chat or image-text model of the hub's formats, by folder or hub id."""

from typing import Any

from PIL import Image

from craft.core.errors import CraftError
from craft.knowledge.providers.ask import Reply, Turn
from craft.knowledge.providers.base import Question
from craft.knowledge.settings import LanguageModelSettings

LONGEST_ANSWER = 2048


def connect(settings: LanguageModelSettings, device: str) -> "LocalModel":
    """The local model of a settings on a device."""
    return LocalModel(settings.model, settings.max_tokens or LONGEST_ANSWER, device)


class LocalModel:
    """A local model (`craft.knowledge.providers.ask.Backend`), loaded at the first question; decoding is greedy.

    Args:
        path: folder or hub id.
        max_tokens: longest answer.
        device: where it runs.
    """

    def __init__(self, path: str, max_tokens: int, device: str):
        self.path, self.max_tokens, self.device, self.name = path, max_tokens, device, f"transformers:{path}"
        self.parameters = {"decoding": "greedy", "max_tokens": max_tokens}
        self.model = self.processor = None

    @property
    def sees_images(self) -> bool:
        """Whether the loaded model takes images; its processor is then more than a tokenizer."""
        return hasattr(self.processor, "tokenizer")

    def complete(self, question: Question, turns: list[Turn], structure: dict[str, Any]) -> Reply:
        """See `craft.knowledge.providers.ask.Backend`.

        Raises:
            CraftError: if no such model can be loaded, it sees no images, or the question is longer than its window.
        """
        import torch

        if self.model is None:
            self.load()
        if question.images and not self.sees_images:
            raise CraftError(f"the question shows images, but the model {self.path!r} sees none; name one that does")
        inputs = self.encode(question, turns)
        length = inputs["input_ids"].shape[-1]
        room = self.window() - length
        if room < 1:
            raise CraftError(
                f"a question of {length} tokens leaves the model {self.path!r} no room for an answer in its window of"
                f" {self.window()}; name a model with a longer one"
            )
        limit = min(self.max_tokens, room)
        with torch.inference_mode():
            tokens = self.model.generate(
                **inputs, do_sample=False, num_beams=1, max_new_tokens=limit, pad_token_id=self.padding()
            )[0, length:]
        text = self.tokenizer.decode(tokens, skip_special_tokens=True)
        cut = len(tokens) >= limit and int(tokens[-1]) not in self.end_tokens()
        return Reply(text, "it was cut off at the token limit before the JSON object was complete" if cut else "")

    def load(self) -> None:
        """Load model and processor.

        Raises:
            CraftError: if there is no such model or it is of another kind.
        """
        from transformers import (
            MODEL_FOR_CAUSAL_LM_MAPPING,
            MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
            AutoConfig,
            AutoModelForCausalLM,
            AutoModelForImageTextToText,
            AutoProcessor,
            AutoTokenizer,
        )

        try:
            kind = type(AutoConfig.from_pretrained(self.path, trust_remote_code=False))
            # some configurations stand for both kinds; the one that sees images is then the whole model
            if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
                loader, preparer = AutoModelForImageTextToText, AutoProcessor
            elif kind in MODEL_FOR_CAUSAL_LM_MAPPING:
                loader, preparer = AutoModelForCausalLM, AutoTokenizer
            else:
                raise CraftError(f"the model {self.path!r} writes no text; name a chat or image-text model")
            self.processor = preparer.from_pretrained(self.path, trust_remote_code=False)
            options = {"dtype": "auto", "use_safetensors": True, "trust_remote_code": False}
            self.model = loader.from_pretrained(self.path, **options).eval().to(self.device)
        except (OSError, ValueError, ImportError) as error:
            reason = " ".join(str(error).split())[:240]
            raise CraftError(f"no language model can be loaded from {self.path!r}: {reason}") from error

    @property
    def tokenizer(self):
        """The tokenizer, which is the processor itself where the model sees no images."""
        return getattr(self.processor, "tokenizer", self.processor)

    def encode(self, question: Question, turns: list[Turn]):
        """Tensors of the conversation, through the chat template where the model has one."""
        images = [Image.fromarray(image) for image in question.images]
        if self.processor.chat_template or self.tokenizer.chat_template:
            owner = self.processor if self.processor.chat_template else self.tokenizer
            inputs = owner.apply_chat_template(
                self.write_messages(question, images, turns),
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
        else:
            text = self.write_plain(question, turns)
            given = {"images": images} if images else {}
            inputs = self.processor(text=text, return_tensors="pt", **given)
        inputs.pop("token_type_ids", None)
        # only tensors of pixels take the type of the weights
        floating = {name: value.to(self.model.dtype) for name, value in inputs.items() if value.is_floating_point()}
        return {name: value.to(self.device) for name, value in (dict(inputs) | floating).items()}

    def write_messages(self, question: Question, images: list[Image.Image], turns: list[Turn]) -> list[dict[str, Any]]:
        """The messages that a chat template reads; only models that see images take a list of parts."""

        def message(role: str, text: str, shown: tuple = ()) -> dict[str, Any]:
            parts = [*({"type": "image", "image": image} for image in shown), {"type": "text", "text": text}]
            return {"role": role, "content": parts if self.sees_images else text}

        opening = [message("system", question.system), message("user", question.text, tuple(images))]
        return opening + [message(turn.role, turn.text) for turn in turns]

    def write_plain(self, question: Question, turns: list[Turn]) -> str:
        """The conversation as plain text, for a model without a chat template."""
        marks = getattr(self.processor, "image_token", "") * len(question.images)
        return "\n\n".join([f"{marks}{question.system}", question.text, *(turn.text for turn in turns), ""])

    def window(self) -> int:
        """How many tokens the model reads and writes at most."""
        config = self.model.config.get_text_config()
        return getattr(config, "max_position_embeddings", None) or 1_000_000

    def end_tokens(self) -> set[int]:
        """Tokens with which the model ends a text."""
        ends = self.model.generation_config.eos_token_id
        ends = self.tokenizer.eos_token_id if ends is None else ends
        return set(ends if isinstance(ends, list) else [ends])

    def padding(self) -> int | None:
        """The token for padding, which generation wants to know even of a single text."""
        return self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
