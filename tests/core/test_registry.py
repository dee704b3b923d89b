"""Registries: members in order, found when asked for; extensions; settings that name a member or are one."""

import sys
import types
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from craft.core.errors import CraftError
from craft.core.registry import Chosen, Registry, load_extensions, named
from craft.core.settings import Strict
from craft.reward.rewards import REWARDS


class Square(Strict):
    kind: Literal["square"]
    side: int = 1


class Circle(Strict):
    kind: Literal["circle"]
    radii: list[int] = Field(default_factory=list)


@pytest.fixture
def shapes(monkeypatch):
    for name, shape in {"square": Square, "circle": Circle}.items():
        module = types.ModuleType(f"shapes_{name}")
        module.SHAPE = shape
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return Registry("shape", "SHAPE", {"square": "shapes_square", "circle": "shapes_circle", "lost": "no_such_module"})


def extension(tmp_path, monkeypatch, text: str, shapes=None) -> str:
    """A file of a user's own, in which `SHAPES` is the registry."""
    holder = types.ModuleType("shapes_registry")
    holder.SHAPES = shapes
    monkeypatch.setitem(sys.modules, "shapes_registry", holder)
    path = tmp_path / "mine.py"
    path.write_text(f"from shapes_registry import SHAPES\n{text}\n")
    return str(path)


def test_an_extension_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load_extensions(["docs/examples/reward.py"])
    assert REWARDS.extension_files() == ["docs/examples/reward.py"]


def test_members_stand_in_their_order_and_are_imported_only_when_asked_for(shapes):
    assert list(shapes) == ["square", "circle", "lost"] and len(shapes) == 3 and "circle" in shapes
    assert shapes["circle"] is Circle
    assert shapes.modules("circle", "lost") == ["shapes_circle", "no_such_module"]
    with pytest.raises(ModuleNotFoundError):
        shapes["lost"]


def test_an_unknown_member_is_answered_with_the_known_ones(shapes):
    with pytest.raises(CraftError, match="there is no shape 'star'; write one of square, circle, lost"):
        shapes["star"]


def test_an_extension_adds_a_member_after_all_others_and_is_its_module(tmp_path, monkeypatch, shapes):
    path = extension(tmp_path, monkeypatch, "SHAPES.register('star')('a star')", shapes)
    load_extensions(["craft.some.module", path, path])
    assert (
        list(shapes)[-1] == "star"
        and shapes["star"] == "a star"
        and shapes.modules("star") == [path] == shapes.extension_files()
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SHAPES.register('square')(1)", "there is a shape 'square' already"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("def", "cannot be imported: SyntaxError"),
    ],
)
def test_an_extension_that_cannot_be_used_is_one_sentence(tmp_path, monkeypatch, shapes, text, sentence):
    with pytest.raises(CraftError, match=sentence) as error:
        load_extensions([extension(tmp_path, monkeypatch, text, shapes)])
    assert "\n" not in str(error.value)


def test_a_missing_extension_is_named():
    with pytest.raises(CraftError, match=r"no extension nowhere/mine\.py"):
        load_extensions(["nowhere/mine.py"])


def test_members_are_registered_by_extensions_only(shapes):
    with pytest.raises(CraftError, match="can only be registered by a file named in `extensions`"):
        shapes.register("star")(1)


@pytest.fixture
def drawing(shapes):
    class Drawing(Strict):
        parts: dict[str, Annotated[Any, Chosen(shapes, "kind")]] = Field(default_factory=dict)
        shape: named(shapes) = "square"

    return Drawing


@pytest.mark.parametrize(
    ("raw", "place", "message"),
    [
        ({"parts": {"a": {"kind": "square", "side": "x"}}}, ("parts", "a", "side"), "valid integer"),
        ({"parts": {"a": {"kind": "circle", "radii": [1, "x"]}}}, ("parts", "a", "radii", 1), "valid integer"),
        ({"parts": {"a": {"kind": "square", "more": 1}}}, ("parts", "a", "more"), "not permitted"),
        ({"parts": {"a": {}}}, ("parts", "a"), "the key `kind` is missing"),
        ({"parts": {"a": {"kind": "star"}}}, ("parts", "a"), "there is no shape 'star'"),
        ({"parts": {"a": {"kind": ["square"]}}}, ("parts", "a"), "there is no shape"),
        ({"parts": {"a": 3}}, ("parts", "a"), "valid dictionary"),
        ({"shape": "star"}, ("shape",), "there is no shape 'star'; write one of square, circle"),
    ],
)
def test_a_finding_names_the_keys_of_the_file_alone(drawing, raw, place, message):
    with pytest.raises(ValidationError, match=message) as error:
        drawing.model_validate(raw)
    assert error.value.errors()[0]["loc"] == place


def test_settings_with_members_survive_being_written(drawing):
    made = drawing.model_validate({"parts": {"a": {"kind": "square", "side": 3}, "b": {"kind": "circle"}}})
    assert made.parts["a"] == Square(kind="square", side=3)
    assert drawing.model_validate(made.model_dump(mode="json")) == made


def test_the_schema_offers_every_member(shapes, monkeypatch):
    module = types.ModuleType("no_such_module")
    module.SHAPE = Circle
    monkeypatch.setitem(sys.modules, "no_such_module", module)

    class Drawing(Strict):
        part: Annotated[Any, Chosen(shapes, "kind")]
        shape: named(shapes) = "square"

    properties = Drawing.model_json_schema()["properties"]
    assert properties["part"]["discriminator"] == {"propertyName": "kind"} and len(properties["part"]["oneOf"]) == 3
    assert properties["shape"]["enum"] == ["square", "circle", "lost"]
