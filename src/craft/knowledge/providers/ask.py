"""Asking until the answer fits: what every provider's text goes through before anything is made of it."""

import json
import logging
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pydantic import ValidationError

from craft.core.errors import CraftError
from craft.knowledge.providers.base import Answer, Question

LOG = logging.getLogger(__name__)
QUOTED_FINDINGS = 8
QUOTED_CHARACTERS = 6000


@dataclass(frozen=True)
class Reply:
    """What a model wrote; `problem` says why it cannot be an answer (cut off, refused), and is empty otherwise."""

    text: str
    problem: str = ""


@dataclass(frozen=True)
class Turn:
    """One later message of the conversation about a question."""

    role: Literal["user", "assistant"]
    text: str


class Backend(Protocol):
    """A model behind an endpoint or in this process, which writes text.

    Attributes:
        name: provider and model, for example `openai:gpt-4o`.
        parameters: what else decides its answers, JSON-able.
    """

    name: str
    parameters: dict[str, Any]

    def complete(self, question: Question, turns: list[Turn], structure: dict[str, Any]) -> Reply:
        """The model's next text after a question and the turns since.

        Args:
            question: the question, which states the structure already.
            turns: earlier answers and what was wrong with them.
            structure: JSON schema of the answer, for models that can be held to one.

        Raises:
            CraftError: if the model cannot be asked.
        """
        ...


class UnusableAnswer(Exception):
    """An answer that does not fit; its text is quoted to the model."""


def ask(backend: Backend, question: Question, structure: type[Answer], re_asks: int) -> tuple[Answer, int]:
    """The first answer that fits the structure, and how often the model was asked.

    Raises:
        CraftError: if the model cannot be asked, or no answer fits after `re_asks` more tries.
    """
    schema = structure.model_json_schema()
    stated = replace(question, text=f"{question.text}\n\n{state_structure(schema)}")
    turns: list[Turn] = []
    for asked in range(1, re_asks + 2):
        reply = backend.complete(stated, turns, schema)
        try:
            return read_answer(reply, structure), asked
        except UnusableAnswer as error:
            finding = str(error)
        LOG.info("%s: answer %d of at most %d is unusable: %s", backend.name, asked, re_asks + 1, finding)
        turns += [
            Turn("assistant", reply.text[:QUOTED_CHARACTERS] or "(no text)"),
            Turn("user", f"This answer cannot be used: {finding}. Answer again with one JSON object and nothing else."),
        ]
    raise CraftError(
        f"{backend.name} gave no usable answer in {re_asks + 1} tries, the last because {finding}; name a more capable"
        " model, or raise `re_asks` or `max_tokens`"
    )


def state_structure(schema: dict[str, Any]) -> str:
    """The sentence that asks for a structure, for models that nothing holds to it."""
    return f"Answer with one JSON object and nothing else. It must follow this JSON schema:\n{json.dumps(schema)}"


def read_answer(reply: Reply, structure: type[Answer]) -> Answer:
    """The validated answer in a model's text.

    Raises:
        UnusableAnswer: if there is none; the text says what is wrong, for the model and for the user.
    """
    if reply.problem:
        raise UnusableAnswer(reply.problem)
    try:
        return structure.model_validate(find_object(reply.text))
    except ValidationError as error:
        raise UnusableAnswer(list_findings(error)) from error


def find_object(text: str) -> dict[str, Any]:
    """The longest JSON object in a text, which may be fenced or wrapped in prose.

    Raises:
        UnusableAnswer: if it holds none.
    """
    decoder, found, start = json.JSONDecoder(), [], text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
            found.append((end - start, value))
        except (json.JSONDecodeError, RecursionError):
            end = start + 1
        start = text.find("{", end)
    if not found:
        raise UnusableAnswer("it holds no complete JSON object")
    return max(found, key=lambda pair: pair[0])[1]


def list_findings(error: ValidationError) -> str:
    """The findings of a validation on one line, without the values found."""
    findings = error.errors(include_url=False, include_input=False)
    lines = [f"at `{'.'.join(map(str, each['loc'])) or 'top level'}`: {each['msg']}" for each in findings]
    more = [f"and {len(lines) - QUOTED_FINDINGS} more"] if len(lines) > QUOTED_FINDINGS else []
    return "; ".join(lines[:QUOTED_FINDINGS] + more)
