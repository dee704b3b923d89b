"""The key of a study and the files that readers hand in: read whole, or refused in one sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import pandas as pd
from pydantic import Field, ValidationError

from craft.core.errors import CraftError, explain_validation
from craft.core.reading import read_json
from craft.core.settings import Strict
from craft.evaluation.reader_study.pairs import SIDES, Kind, Side

Grade = Annotated[int, Field(ge=1, le=5)]
Sign = Literal["left", "right", "both", "neither", "unsure"]
Model = TypeVar("Model", bound=Strict)
# what is chosen where neither image is better
NEITHER = "no difference"
# which answers say that a sign is in the image of a side
SHOWN = {"left": ("left", "both"), "right": ("right", "both")}


class KeyImage(Strict):
    """An image of the run."""

    method: str
    seed: int
    image_id: str


class KeyPair(Strict):
    """What a pair of a study is; see `craft.evaluation.reader_study.pairs.Pair`."""

    pair: str
    kind: Kind
    dataset: str
    label: str
    left: KeyImage
    right: KeyImage
    repeats: str | None
    damaged: Side | None

    def method(self, side: Side) -> str:
        """Whose image stands on a side."""
        return getattr(self, side).method


class StudyKey(Strict):
    """The key to the page of a study."""

    study: str
    of: str
    against: list[str]
    seed: int
    realism: bool
    notice: str
    pairs: list[KeyPair] = Field(min_length=1)

    @property
    def methods(self) -> list[str]:
        """All methods whose images are shown."""
        return [self.of, *self.against]


class Grades(Strict):
    """How real either image looks."""

    left: Grade
    right: Grade


class Answer(Strict):
    """What a reader says of a pair."""

    preference: Literal["left", "right", "none"]
    confidence: Grade
    realism: Grades | None = None
    items: list[Sign] = Field([])
    seconds: float = Field(ge=0, allow_inf_nan=False)


class Response(Strict):
    """The file that a reader downloads from the page."""

    format: Literal["reader-study-answers"]
    version: Literal[1]
    study: str
    reader: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    started: str
    exported: str
    pairs: int
    answers: dict[str, Answer]


def read_key(path: Path) -> StudyKey:
    """The key of a study.

    Raises:
        CraftError: if it is missing or no key.
    """
    return read_model(StudyKey, path, "the key of a reader study", "name the key.json that `snakemake study` wrote")


def read_responses(key: StudyKey, paths: Sequence[Path]) -> list[Response]:
    """The files of all readers of a study.

    Raises:
        CraftError: if one is missing, damaged, of another study, without an answer, or of a reader that has another.
    """
    known, origins, found = {pair.pair for pair in key.pairs}, {}, []
    for path in paths:
        response = read_model(Response, path, "a reader's answers", "ask the reader to download it again")
        if response.study != key.study:
            raise CraftError(
                f"{path} holds answers to the study {response.study!r}, and the key is that of {key.study!r}; name the"
                " key that was made with the reader's page"
            )
        if unknown := [name for name in response.answers if name not in known]:
            raise CraftError(f"{path} answers the pair {unknown[0]!r}, which the study does not have; leave it out")
        if not response.answers:
            raise CraftError(f"{path} holds no answer; leave it out")
        if response.reader in origins:
            raise CraftError(
                f"{origins[response.reader]} and {path} are both of the reader {response.reader!r}; name the last one"
                " alone, or give the readers codes of their own"
            )
        origins[response.reader] = path
        found.append(response)
    return found


def read_model(model: type[Model], path: Path, what: str, mend: str) -> Model:
    """A JSON file as a model; raises a CraftError if it does not fit."""
    raw = read_json(path, mend)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise CraftError(f"{path} is not {what}: {explain_validation(error)}; {mend}") from error


def list_answers(key: StudyKey, responses: Sequence[Response]) -> pd.DataFrame:
    """One row for every answer: reader, what the pair is, whose image was chosen (or `NEITHER`), how sure."""
    pairs = {pair.pair: pair for pair in key.pairs}
    rows = []
    for response in responses:
        for name, answer in response.answers.items():
            pair = pairs[name]
            sides = {pair.method(side) for side in SIDES}
            rows.append(
                {
                    "reader": response.reader,
                    **{field: getattr(pair, field) for field in ("pair", "kind", "dataset", "label", "repeats")},
                    "against": next(method for method in key.against if method in sides),
                    "chosen": NEITHER if answer.preference == "none" else pair.method(answer.preference),
                    "failed": pair.damaged is not None and answer.preference in (pair.damaged, "none"),
                    "confidence": answer.confidence,
                    "seconds": answer.seconds,
                }
            )
    return pd.DataFrame(rows)


def list_grades(key: StudyKey, responses: Sequence[Response]) -> pd.DataFrame:
    """One row for every image that a reader judged alone: how real it looks, and which of its label's signs it shows.

    Images of pairs that come a second time or check attention are none of them.
    """
    pairs = {pair.pair: pair for pair in key.pairs if pair.kind == "main"}
    rows = []
    for response in responses:
        for name, answer in response.answers.items():
            for side in SIDES if name in pairs else ():
                told = [sign for sign in answer.items if sign != "unsure"]
                row = {"reader": response.reader, "pair": name, "method": pairs[name].method(side)}
                row |= {"dataset": pairs[name].dataset, "label": pairs[name].label}
                row["realism"] = getattr(answer.realism, side) if answer.realism else None
                row |= {"told": len(told), "shown": sum(sign in SHOWN[side] for sign in told)}
                rows.append(row)
    return pd.DataFrame(rows)
