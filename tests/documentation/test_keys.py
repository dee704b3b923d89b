"""The reference of all keys: every key of every section, with its type, default and description."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from craft.core.registry import Chosen
from craft.core.settings import Name, Share, Strict
from craft.datasets.readers import READERS
from craft.documentation.keys import list_sections, write_keys
from craft.pipeline.config import Config
from craft.training.methods import METHODS


class ToyPart(Strict):
    """A part."""

    width: int = Field(3, ge=1, description="how wide")


class ToySettings(Strict):
    """A toy.

    With more to say.
    """

    mode: Literal["fast", "slow"] = Field(description="which way")
    share: Share | None = Field(None, description="a share")
    names: list[Name] = Field(["a"], description="some names")
    weights: dict[str, float] = Field(default_factory=lambda: {"a": 1.0}, description="some weights")
    part: ToyPart = Field(ToyPart(), description="a part")
    parts: dict[Name, ToyPart] = Field(description="parts by name")
    reader: Annotated[Any, Chosen(READERS, "reader")] = Field(description="a dataset")


def test_types_and_defaults_are_put_in_words():
    top, *rest = list_sections(ToySettings)
    assert top.text == "A toy."
    assert top.rows[:6] == [
        ("`mode`", "`fast` or `slow`", "needed", "which way"),
        ("`share`", "number > 0, < 1 or null", "`null`", "a share"),
        ("`names`", "list of name", "`[a]`", "some names"),
        ("`weights`", "mapping to number", "`{a: 1.0}`", "some weights"),
        ("`part`", "section", "its own defaults", "a part"),
        ("`parts`", "section", "needed", "parts by name"),
    ]
    paths = [(section.path, section.choice) for section in rest]
    assert paths[:3] == [("part", ""), ("parts.NAME", ""), ("reader", f"reader: {next(iter(READERS))}")]
    assert rest[0].rows == [("`width`", "integer >= 1", "`3`", "how wide")]


def test_every_section_of_the_configuration_is_there_and_every_key_described():
    sections = list_sections(Config)
    places = [(section.path, section.choice) for section in sections]
    assert len(set(places)) == len(places)
    assert {("methods.NAME", f"kind: {name}") for name in METHODS} <= set(places)
    assert {("datasets.NAME", f"reader: {name}") for name in READERS} <= set(places)
    assert ("methods.NAME.guard", "kind: reward") in places
    assert [row for section in sections for row in section.rows if not row[3]] == []
    assert [section.path for section in sections if not section.text or section.text == BaseModel.__doc__] == []


def test_the_reference_names_a_deep_key():
    assert "### `methods.NAME.objective` with `kind: reward`" in write_keys()
    assert "| `beta` | number >= 0 |" in write_keys()
