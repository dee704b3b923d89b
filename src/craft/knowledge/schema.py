"""The structure of clinical knowledge: enriched descriptions and checklists, one file per modality."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from craft.core.errors import CraftError, explain_validation
from craft.core.settings import Strict

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

    `name` is the label in words, `prompt` the plain label prompt, `descriptions` the enriched prompts.
    """

    name: str
    definition: Statement
    prompt: Statement
    descriptions: list[Statement] = Field(min_length=3)
    checklist: list[ChecklistItem] = Field(min_length=3)


class Knowledge(Strict):
    """The knowledge of one modality: label key -> what is known of it."""

    modality: str
    coarse_prompts: list[Statement] = Field(min_length=1)
    labels: dict[str, LabelKnowledge] = Field(min_length=1)

    @classmethod
    def load(cls, path: Path) -> "Knowledge":
        """Read and check a knowledge file.

        Raises:
            CraftError: if the file is missing or does not follow the schema.
        """
        if not path.is_file():
            raise CraftError(f"no knowledge file {path}: write one (see data/knowledge/) or correct `knowledge`")
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise CraftError(f"{path} is not a knowledge file: {explain_validation(error)}") from error

    def select(self, labels: list[str]) -> "Knowledge":
        """Keep only `labels`, in that order.

        Raises:
            CraftError: if a label has no entry.
        """
        missing = [label for label in labels if label not in self.labels]
        if missing:
            raise CraftError(
                f"the knowledge of {self.modality!r} has no entry for label {missing[0]!r}; add it to"
                f" data/knowledge/{self.modality}.yaml or remove the label from the config (it knows:"
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
