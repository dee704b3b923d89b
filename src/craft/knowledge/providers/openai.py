"""Models behind an endpoint of the OpenAI chat interface: OpenAI's own, vLLM, Ollama, llama.cpp and others.

The official client does the waiting: it tries again after a time-out, a lost connection, HTTP 408, 409, 429 and 5xx,
when `Retry-After` says so, or with exponential back-off. The key is read from the environment for each question and
never kept, logged or quoted; neither are images.
"""

import base64
import logging
import os
import re
from typing import Any, NoReturn

from craft.core.errors import CraftError
from craft.core.images import encode_png
from craft.knowledge.providers.ask import Reply, Turn
from craft.knowledge.providers.base import Question
from craft.knowledge.settings import LanguageModelSettings

# keywords that endpoints with strict structured outputs refuse; the answer is validated against them afterwards
UNSUPPORTED = ("minLength", "maxLength", "default", "title")
NAMED = ("properties", "$defs")


def connect(settings: LanguageModelSettings, device: str) -> "Endpoint":
    """The endpoint of a settings; `device` is of no concern to it."""
    return Endpoint(settings)


class Endpoint:
    """A chat endpoint (`craft.knowledge.providers.ask.Backend`); nothing is sent before the first question."""

    def __init__(self, settings: LanguageModelSettings):
        self.settings, self.name = settings, f"openai:{settings.model}"
        self.parameters = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}

    def complete(self, question: Question, turns: list[Turn], structure: dict[str, Any]) -> Reply:
        """See `craft.knowledge.providers.ask.Backend`.

        Raises:
            CraftError: if images may not leave, the key is missing, or the endpoint cannot be reached or objects.
        """
        if question.images and not self.settings.images_may_leave:
            raise CraftError(
                f"the question to {self.name} shows {len(question.images)} images, and nothing was sent because images"
                " may not leave this process: write `images_may_leave: true` where the data's terms allow it, or use"
                " the provider `transformers`"
            )
        key = self.read_key()
        client = self.open_client(key)
        import openai

        try:
            completion = client.chat.completions.create(
                model=self.settings.model,
                messages=write_messages(question, turns),
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "strict": True, "schema": strict_schema(structure)},
                },
                temperature=openai.omit if self.settings.temperature is None else self.settings.temperature,
                max_completion_tokens=self.settings.max_tokens or openai.omit,
            )
        # the cause is cut off because it holds the request with its key and images
        except (openai.OpenAIError, ValueError) as error:
            self.explain(error, key)
        finally:
            client.close()
        return self.read_completion(completion)

    def read_key(self) -> str:
        """The key, from the environment variable that the configuration names."""
        if key := os.environ.get(self.settings.key_variable, "").strip():
            return key
        raise CraftError(
            f"the environment variable {self.settings.key_variable} is not set, and the cache {self.settings.cache} has"
            f" no answer of {self.name}: set it to the endpoint's key, or to any text where the endpoint asks for none"
        )

    def open_client(self, key: str):
        """A client of the endpoint, which logs none of the requests it sends, whatever its release would log."""
        import openai

        for library in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
            logging.getLogger(library).setLevel(logging.WARNING)
        settings = self.settings
        return openai.OpenAI(
            api_key=key, base_url=settings.base_url, timeout=settings.timeout, max_retries=settings.retries
        )

    def read_completion(self, completion: Any) -> Reply:
        """The text of a completion, or why there is none."""
        choices = getattr(completion, "choices", None)
        if not choices:
            raise CraftError(f"{self.where()} answers, but not as a chat endpoint; `base_url` usually ends with /v1")
        choice = choices[0]
        text, refusal = choice.message.content or "", getattr(choice.message, "refusal", None)
        if refusal or choice.finish_reason == "content_filter":
            return Reply(text, f"the model refused ({scrub(refusal or 'its content filter stopped it')})")
        if choice.finish_reason == "length":
            return Reply(text, "it was cut off at the token limit before the JSON object was complete; be shorter")
        return Reply(text)

    def where(self) -> str:
        """The endpoint, for a sentence."""
        return f"the endpoint {self.settings.base_url or 'of OpenAI'}"

    def explain(self, error: Exception, key: str) -> NoReturn:
        """One sentence about what the endpoint did.

        Raises:
            CraftError: always.
        """
        import openai

        tries = f"in {self.settings.retries + 1} tries" if self.settings.retries else "in one try"
        reason = scrub(getattr(error, "message", "") or str(error), key)
        if isinstance(error, openai.APITimeoutError):
            said = f"gave no answer within {self.settings.timeout:g} s {tries}; raise `timeout` or see whether it works"
        elif isinstance(error, openai.APIConnectionError):
            said = f"cannot be reached {tries}; start it, or correct `base_url`"
        elif isinstance(error, openai.RateLimitError):
            wait = error.response.headers.get("retry-after")
            hint = f", to be asked again after {scrub(wait)} s" if wait else ""
            said = f"is over its limit of requests ({reason}{hint}); wait, raise `retries`, or raise the limit"
        elif isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            said = f"does not accept the key in {self.settings.key_variable}; correct that variable"
        elif isinstance(error, openai.NotFoundError):
            said = f"knows no model {self.settings.model!r} ({reason}); correct `model` or `base_url`"
        elif isinstance(error, openai.APIStatusError):
            said = f"answers HTTP {error.status_code} ({reason}); correct the settings of the model or try again later"
        else:
            said = f"answers something that cannot be read ({type(error).__name__}); correct `base_url`"
        raise CraftError(f"{self.where()} {said}") from None


def write_messages(question: Question, turns: list[Turn]) -> list[dict[str, Any]]:
    """The messages of a chat; images stand as PNG data URLs before the text."""
    images = [{"type": "image_url", "image_url": {"url": data_url(encode_png(image))}} for image in question.images]
    content = [*images, {"type": "text", "text": question.text}] if images else question.text
    messages = [{"role": "system", "content": question.system}, {"role": "user", "content": content}]
    return messages + [{"role": turn.role, "content": turn.text} for turn in turns]


def data_url(png: bytes) -> str:
    """A PNG file as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def strict_schema(schema: Any) -> Any:
    """A JSON schema in the subset of strict structured outputs: all properties required, no others allowed."""
    if isinstance(schema, list):
        return [strict_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # under `properties` and `$defs` the keys are names, not keywords
    named = {key: {name: strict_schema(each) for name, each in schema[key].items()} for key in NAMED if key in schema}
    strict = {key: strict_schema(value) for key, value in schema.items() if key not in (*UNSUPPORTED, *NAMED)} | named
    if "properties" in strict:
        strict |= {"required": list(strict["properties"]), "additionalProperties": False}
    return strict


def scrub(text: str, key: str = "") -> str:
    """A text from outside on one short line, without the key and without anything that may be an encoded image."""
    text = text.replace(key, "[key]") if key else text
    text = re.sub(r"data:[\w/+.-]+;base64,\S*|[A-Za-z0-9+/=_-]{60,}", "[...]", text)
    return " ".join(text.split())[:240]
