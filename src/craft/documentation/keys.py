"""The reference of all keys of the configuration, from the typed settings and the registries."""

import inspect
from dataclasses import dataclass
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from craft.core.registry import Chosen
from craft.documentation.markdown import code, make_table
from craft.pipeline.config import Config
from craft.pipeline.explain import strip

HEADER = ("key", "type", "default", "what it is")
BOUNDS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
    "multipleOf": "multiple of",
}
WORDS = {"integer": "integer", "number": "number", "boolean": "true or false", "string": "text", "null": "null"}


@dataclass(frozen=True)
class KeySection:
    """One section of the configuration.

    Attributes:
        path: its place; NAME stands for a name of the user's choice, '' is the top level.
        choice: the key and value that choose it among others, or ''.
        text: what it is.
        rows: key, type, default and description of every key.
    """

    path: str
    choice: str
    text: str
    rows: list[tuple[str, str, str, str]]


def write_keys() -> str:
    """The reference as Markdown: one table for every section."""
    parts: dict[tuple[str, str, str], list[str]] = {}
    for section in list_sections(Config):
        # what is the same under several choices stands there once
        parts.setdefault((section.path, section.text, make_table(HEADER, section.rows)), []).append(section.choice)
    return "\n\n".join(
        f"### {title_of(path, choices)}\n\n{text}\n\n{table}" for (path, text, table), choices in parts.items()
    )


def title_of(path: str, choices: list[str]) -> str:
    """The place of a section, and what chooses it."""
    chosen = " or ".join(code(choice) for choice in choices if choice)
    return (code(path) if path else "Top level") + (f" with {chosen}" if chosen else "")


def list_sections(model: type[BaseModel], path: str = "", choice: str = "") -> list[KeySection]:
    """A section and all sections below it."""
    schema, rows, nested = model.model_json_schema(), [], []
    for name, field in model.model_fields.items():
        below = sections_below(field.annotation, list(field.metadata), f"{path}.{name}" if path else name, choice)
        words = "section" if below else words_of(schema["properties"][name], schema.get("$defs", {}))
        rows.append((code(name), words, default_of(field, bool(below)), field.description or ""))
        nested += below
    text = " ".join(inspect.getdoc(model).split("\n\n")[0].split())
    return [KeySection(path, choice, text, rows), *nested]


def sections_below(kind: Any, metadata: list, path: str, choice: str) -> list[KeySection]:
    """The sections that a value of a type consists of; none where it is no section."""
    kind, metadata = strip(kind, metadata)
    if chosen := next((entry for entry in metadata if isinstance(entry, Chosen)), None):
        members = chosen.registry.items()
        return [each for name, model in members for each in list_sections(model, path, f"{chosen.key}: {name}")]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return list_sections(kind, path, choice)
    if get_origin(kind) is dict:
        return sections_below(get_args(kind)[-1], [], f"{path}.NAME", choice)
    return []


def words_of(node: dict[str, Any], known: dict[str, Any]) -> str:
    """The type of a value in words, from its JSON schema."""
    if "$ref" in node:
        return words_of(known[node["$ref"].rsplit("/", 1)[1]], known)
    if "anyOf" in node:
        return " or ".join(words_of(each, known) for each in node["anyOf"])
    if "enum" in node or "const" in node:
        return " or ".join(code(str(value)) for value in node.get("enum", [node.get("const")]))
    if node.get("type") == "array":
        return f"list of {words_of(node['items'], known)}"
    if node.get("type") == "object":
        values = values_of(node)
        return f"mapping to {words_of(values, known)}" if values else "mapping"
    bounds = [f"{sign} {node[key]:g}" for key, sign in BOUNDS.items() if key in node]
    name = "name" if "pattern" in node else WORDS[node["type"]]
    return f"{name} {', '.join(bounds)}" if bounds else name


def values_of(node: dict[str, Any]) -> dict[str, Any]:
    """Schema of the values of a mapping; empty where they can be anything."""
    if patterns := node.get("patternProperties"):
        return next(iter(patterns.values()))
    values = node["additionalProperties"]
    return values if isinstance(values, dict) else {}


def default_of(field: FieldInfo, section: bool) -> str:
    """The default as YAML has it; the keys of a section stand in its own table."""
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    if section and value is not None:
        return "its own defaults"
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False)
    return code(text.removesuffix("...\n").strip())
