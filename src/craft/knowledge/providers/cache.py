"""Answers kept by what was asked: one JSON file each, in a folder that replays a run without the model.

The name of a file is the hash of the model, its parameters, the question with the pixels of its images, and the
structure of the answer. The file carries a hash over all of its content, so that an edit is found.
"""

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from craft.core.errors import CraftError
from craft.core.files import write_json
from craft.core.identity import hash_value
from craft.knowledge.providers.ask import Backend, ask
from craft.knowledge.providers.base import Answer, Question

HASH = "sha256"


class CachedModel:
    """A language model (`craft.knowledge.providers.base.LanguageModel`) that never asks the same twice.

    Args:
        backend: what writes the texts; it is not touched where the cache has the answer.
        folder: of the answers, made when the first is stored.
        re_asks: how often an unusable answer is asked for again.
    """

    def __init__(self, backend: Backend, folder: Path, re_asks: int):
        self.backend, self.folder, self.re_asks = backend, Path(folder), re_asks
        self.name = backend.name

    def answer(self, question: Question, structure: type[Answer]) -> Answer:
        """See `craft.knowledge.providers.base.LanguageModel`.

        Raises:
            CraftError: if the model cannot be asked, gives no usable answer, or the cached one was tampered with.
        """
        return self.answer_with_provenance(question, structure)[0]

    def answer_with_provenance(self, question: Question, structure: type[Answer]) -> tuple[Answer, dict[str, Any]]:
        """The answer, and what it is known to come from: provider, model, date, prompt hash, cache file."""
        request = describe_request(self.backend, question, structure)
        path = self.folder / f"{hash_value(request)[:32]}.json"
        if path.is_file():
            record = read_record(path, request)
            return read_stored(path, record["answer"], structure), record["provenance"] | {"answer": path.name}
        answer, asked = ask(self.backend, question, structure, self.re_asks)
        provenance = describe_provenance(request, asked)
        record = {"request": request, "provenance": provenance, "answer": answer.model_dump(mode="json")}
        write_json(path, record | {HASH: hash_value(record)})
        return answer, provenance | {"answer": path.name}


def describe_request(backend: Backend, question: Question, structure: type[BaseModel]) -> dict[str, Any]:
    """Everything that an answer depends on; images as hashes of their pixels."""
    return {
        "model": backend.name,
        "parameters": backend.parameters,
        "system": question.system,
        "text": question.text,
        "images": [hash_image(image) for image in question.images],
        "structure": structure.model_json_schema(),
    }


def hash_image(image: np.ndarray) -> str:
    """SHA-256 of an image's shape and pixels."""
    return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def describe_provenance(request: dict[str, Any], asked: int) -> dict[str, Any]:
    """Where an answer comes from; `asked` counts the re-asks too."""
    provider, model = request["model"].split(":", 1)
    return {
        "provider": provider,
        "model": model,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "prompt_sha256": hash_value([request["system"], request["text"], request["images"]]),
        "asked": asked,
    }


def read_record(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The content of a cache file.

    Raises:
        CraftError: if it is no such file, its hash does not fit its content, or it answers another question.
    """
    advice = "restore it from version control, or delete it so that the model is asked again"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        stated = record.pop(HASH)
        complete = {"request", "provenance", "answer"} <= set(record)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CraftError(f"the cached answer {path} cannot be read; {advice}") from error
    if not complete or stated != hash_value(record):
        raise CraftError(f"the cached answer {path} was changed after it was stored (hash mismatch); {advice}")
    if record["request"] != request:
        raise CraftError(f"the cached answer {path} belongs to another question; {advice}")
    return record


def read_stored(path: Path, answer: Any, structure: type[Answer]) -> Answer:
    """A stored answer in its structure.

    Raises:
        CraftError: if rules that the structure's schema does not show have changed since it was stored.
    """
    try:
        return structure.model_validate(answer)
    except ValidationError as error:
        raise CraftError(f"the cached answer {path} no longer fits what is asked; delete it to ask again") from error
