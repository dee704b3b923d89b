"""The structure of clinical knowledge: enriched descriptions and checklists, one file per modality."""

from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from craft.core.errors import CraftError, explain_validation
from craft.core.reading import read_yaml
from craft.core.settings import Name, Role, Strict

# the name of the page of an overview (`craft.knowledge.review`)
OVERVIEW = "index"
Statement = Annotated[str, Field(min_length=12, max_length=240)]


class ChecklistItem(Strict):
    """One clinical sign: a positive statement, its contradiction, a weight, a facet and the sign's published source.

    `biomarker` names what is computed from an image where the sign is present, for example `high asymmetry` or
    `low nuclear_size` (`craft.evaluation.biomarkers`); it is null where the sign cannot be computed.
    """

    present: Statement
    absent: Statement
    weight: float = Field(gt=0, le=5)
    facet: str
    source: str
    biomarker: str | None = Field(None, pattern=r"^(low|high) [a-z][a-z0-9_]*$")


class LabelKnowledge(Strict):
    """What is known of one label.

    `name` is the label in words, `prompt` the plain label prompt, `descriptions` the enriched prompts. Where there are
    `held_out_descriptions`, held-out evaluators read these in place of `descriptions`, and nothing else does.
    """

    name: str = Field(min_length=1, max_length=240)
    definition: Statement
    prompt: Statement
    descriptions: list[Statement] = Field(min_length=3)
    held_out_descriptions: list[Statement] | None = Field(None, min_length=2)
    checklist: list[ChecklistItem] = Field(min_length=3)

    @model_validator(mode="after")
    def no_text_is_shared(self) -> Self:
        if shared := set(self.descriptions) & set(self.held_out_descriptions or []):
            raise ValueError(
                f"{sorted(shared)[0]!r} stands under `descriptions` and `held_out_descriptions`; remove it from one"
            )
        return self

    def descriptions_for(self, role: Role) -> list[str]:
        """The descriptions that an evaluator of a role reads."""
        return (self.held_out_descriptions if role == "held_out" else None) or self.descriptions

    def described(self) -> dict[tuple[str, int], str]:
        """All descriptions by their place: field and number."""
        fields = {"descriptions": self.descriptions, "held_out_descriptions": self.held_out_descriptions or []}
        return {(field, number): text for field, texts in fields.items() for number, text in enumerate(texts)}


class Knowledge(Strict):
    """The knowledge of one modality: label key -> what is known of it."""

    modality: Name
    coarse_prompts: list[Statement] = Field(min_length=1)
    labels: dict[Name, LabelKnowledge] = Field(min_length=1)

    @field_validator("labels")
    @classmethod
    def labels_name_pages(cls, labels: dict[str, LabelKnowledge]) -> dict[str, LabelKnowledge]:
        if OVERVIEW in labels:
            raise ValueError(f"a label cannot be called {OVERVIEW!r}, the name of the overview's page; rename it")
        return labels

    @model_validator(mode="after")
    def all_labels_hold_out_or_none(self) -> Self:
        given = {key: known.held_out_descriptions is not None for key, known in self.labels.items()}
        if len(set(given.values())) > 1:
            some, none = (next(key for key in given if given[key] == kind) for kind in (True, False))
            raise ValueError(
                f"the label {some!r} has `held_out_descriptions` and {none!r} has none; give them to all labels or to"
                " none"
            )
        return self

    @property
    def shares_texts(self) -> bool:
        """Whether held-out evaluators read the same descriptions as all others."""
        return all(known.held_out_descriptions is None for known in self.labels.values())

    @classmethod
    def load(cls, path: Path) -> "Knowledge":
        """Read and check a knowledge file.

        Raises:
            CraftError: if the file is missing or does not follow the schema.
        """
        if not path.is_file():
            raise CraftError(
                f"no knowledge file {path}: write one that `craft knowledge new` begins, or correct `knowledge`"
            )
        raw = read_yaml(path, "correct it, or begin one with `craft knowledge new`")
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise CraftError(f"{path} is not a knowledge file: {explain_validation(error)}") from error

    def select(self, labels: list[str], path: Path | None = None) -> "Knowledge":
        """Keep only `labels`, in that order.

        Args:
            labels: keys.
            path: file of the knowledge, for the message.

        Raises:
            CraftError: if a label has no entry.
        """
        missing = [label for label in labels if label not in self.labels]
        if missing:
            raise CraftError(
                f"the knowledge of {self.modality!r} has no entry for label {missing[0]!r}; add it to"
                f" {path or 'its file'} or remove the label from the config (it knows:"
                f" {', '.join(self.labels)})"
            )
        return self.model_copy(update={"labels": {label: self.labels[label] for label in labels}})

    def items(self) -> list[ChecklistItem]:
        """The checklist items of all labels in order, those with the same two statements once."""
        found = [item for label in self.labels.values() for item in label.checklist]
        return list({(item.present, item.absent): item for item in found}.values())

    def to_yaml(self) -> str:
        """The knowledge as a YAML file."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=120, allow_unicode=True)
