"""The sentence that a wrong configuration gets: which key, what was found, and a correct line, all from the models."""

from difflib import get_close_matches
from types import NoneType
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from craft.core.registry import Chosen

SCHEMA = "configs/schema.json lists all keys"
# what is written for a value of a type, where the setting has no default that could be shown
EXAMPLES = {int: 1, float: 0.5, bool: True, str: "text", list: ["a", "b"], dict: {"key": "value"}}
BOUNDS = ("ge", "le", "multiple_of")
LONGEST = 60


def explain_config(error: ValidationError, model: type[BaseModel], raw: Any) -> str:
    """One sentence about the first finding.

    Args:
        error: of the model's validation.
        model: the settings that were validated.
        raw: what was validated, as YAML has it.
    """
    first = error.errors(include_url=False)[0]
    place = list(first["loc"])
    key = ".".join(str(part) for part in place if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"unknown key `{key}`; {suggest(place, model, raw)} ({SCHEMA})"
    if first["type"] == "missing":
        return f"the key `{key}` is missing; add a line `{example_line(place, model, raw)}` ({SCHEMA})"
    if first["type"] in ("value_error", "choice_missing", "choice_unknown"):
        return f"`{key}`: {message}" if key else message
    if "[key]" in place:
        return f"`{key}` is no name: write lower-case letters, digits and underscores, a letter first"
    if first["type"] in ("model_type", "dict_type"):
        message = "Input should be a section of keys"
    found = repr(first["input"])
    found = found if len(found) <= LONGEST else f"a value of {len(found)} characters"
    expected = message[:1].lower() + message[1:].replace("nput should be", "t should be", 1)
    line = bounded_line(first, place) or example_line(place, model, raw)
    return f"`{key}`: {expected.removeprefix('i')}, found {found}; write for example `{line}`".replace(
        f"`{key}`: t should", f"`{key}`: it should"
    )


def suggest(place: list, model: type[BaseModel], raw: Any) -> str:
    """What to do about an unknown key: the known key that is most alike, if there is one."""
    holder = model_at(place[:-1], model, raw)
    alike = get_close_matches(str(place[-1]), holder.model_fields, n=1) if holder else []
    return f"write `{alike[0]}`, or remove it" if alike else "remove it or correct its spelling"


def bounded_line(finding: dict[str, Any], place: list) -> str:
    """A line at the bound that a number has crossed, or with the first of the words that are allowed; '' without."""
    context = finding.get("ctx", {})
    name = next((str(part) for part in reversed(place) if isinstance(part, str)), "")
    if "expected" in context:
        return f"{name}: {context['expected'].split(' or ')[0].split(',')[0].strip(chr(39))}"
    bound = next((context[kind] for kind in BOUNDS if context.get(kind) is not None), None)
    return "" if bound is None or isinstance(place[-1], int) else f"{name}: {bound:g}"


def example_line(place: list, model: type[BaseModel], raw: Any) -> str:
    """A correct line for the setting at a place: its default where it has one to show, else something of its type."""
    names = [part for part in place if isinstance(part, str) and part != "[key]"]
    if names and (holder := model_at(place, model, raw)):
        return example_section(names[-1], holder)
    for length in range(len(place), 0, -1):
        holder = model_at(place[: length - 1], model, raw)
        if holder and place[length - 1] in holder.model_fields:
            field = holder.model_fields[place[length - 1]]
            return f"{place[length - 1]}: {dump(example_of(field))}"
    return f"{names[-1]}: ..." if names else "..."


def example_section(name: str, holder: type[BaseModel]) -> str:
    """A line for a section of keys: those that it needs, or its first one."""
    needed = [key for key, field in holder.model_fields.items() if field.is_required()]
    keys = needed or list(holder.model_fields)[:1]
    return f"{name}: {dump({key: example_of(holder.model_fields[key]) for key in keys})}"


def example_of(field: FieldInfo) -> Any:
    """A value for a field."""
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is not PydanticUndefined and default is not None:
        value = TypeAdapter(Any).dump_python(default, mode="json", exclude_unset=True)
        # the first of several entries shows how one is written
        many = isinstance(value, dict) and len(dump(value)) > 2 * LONGEST
        return dict([next(iter(value.items()))]) if many else value
    if field.examples:
        return field.examples[0]
    return example_of_type(field.annotation)


def example_of_type(kind: Any) -> Any:
    """A value of a type."""
    for part in (kind, *get_args(kind)):
        base = get_origin(part) or part
        if base in EXAMPLES:
            return EXAMPLES[base]
        if isinstance(base, str):
            return base
    return "..."


def dump(value: Any) -> str:
    """A value as YAML writes it on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False)
    return text.removesuffix("...\n").strip() if value != "..." else "..."


def model_at(place: list, model: type[BaseModel], raw: Any) -> type[BaseModel] | None:
    """The settings model that stands at a place; None where none does."""
    kind, metadata = model, []
    for part in [*place, None]:
        kind, metadata = strip(kind, metadata)
        chosen = next((entry for entry in metadata if isinstance(entry, Chosen)), None)
        if chosen:
            name = raw.get(chosen.key) if isinstance(raw, dict) else None
            if not isinstance(name, str) or name not in chosen.registry:
                return None
            kind, metadata = chosen.registry[name], []
        if part is None:
            break
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(part)
            if field is None:
                return None
            kind, metadata = field.annotation, list(field.metadata)
        elif get_origin(kind) in (dict, list):
            kind, metadata = get_args(kind)[-1], []
        else:
            return None
        raw = step_into(raw, part)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def strip(kind: Any, metadata: list) -> tuple[Any, list]:
    """A type without its annotations, which join the metadata, and without None."""
    if hasattr(kind, "__metadata__"):
        return strip(kind.__origin__, [*metadata, *kind.__metadata__])
    members = [member for member in get_args(kind) if member is not NoneType]
    if NoneType in get_args(kind) and len(members) == 1:
        return strip(members[0], metadata)
    return kind, metadata


def step_into(raw: Any, part: str | int) -> Any:
    """The value below a key or position of raw settings; None where there is none."""
    try:
        return raw[part]
    except (KeyError, IndexError, TypeError):
        return None
