"""Ablations: variants of one method, which the configuration makes of it, and the methods that these start from.

A variant is a method like any other, but the run's own tables, figures and paper do not know it: only `snakemake
ablations` trains, samples and scores it. It is described by what it changes, as a JSON merge patch (RFC 7386) of the
method's settings with all their defaults.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import Field, model_validator

from craft.core.settings import Name, Strict
from craft.training.methods.base import MethodSettings

CHANGES, START_CHANGES = "changes", "start_changes"


class VariantSettings(Strict):
    """A variant of the ablated method, by what differs."""

    what: str | None = Field(
        None, min_length=1, max_length=40, description="what differs, in a few words for the figure; null: its name"
    )
    changes: dict[str, Any] = Field(
        {}, description="settings laid over the method's own, at any depth; null takes one away, so its default holds"
    )
    start_changes: dict[str, Any] = Field(
        {},
        description="the same for what the method starts from, which is trained once for all variants that ask for the"
        " same",
    )


class AblationSettings(Strict):
    """What `snakemake ablations` compares with the method as it is."""

    of: Name = Field(description="the method that is varied")
    variants: dict[Name, VariantSettings] = Field(
        min_length=1, description="variants by name; one of `craft` called `without_anchor` is `craft_without_anchor`"
    )

    @model_validator(mode="after")
    def phrases_differ(self) -> Self:
        phrases = list(self.phrases().values())
        if twice := [phrase for phrase in phrases if phrases.count(phrase) > 1]:
            raise ValueError(f"two variants are called {twice[0]!r} in the figure; give one of them another `what`")
        return self

    def method_of(self, variant: str) -> str:
        """Name of the method that a variant is."""
        return f"{self.of}_{variant}"

    def phrases(self) -> dict[str, str]:
        """What every variant differs in, in words, by the name of its method."""
        words = {name: variant.what or name.replace("_", " ") for name, variant in self.variants.items()}
        return {self.method_of(name): what for name, what in words.items()}


@dataclass
class Made:
    """Methods that are made of others.

    Attributes:
        methods: their settings, not yet validated, by name.
        origins: where the configuration says what they change, by name.
    """

    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def explain(self, sentence: str) -> str:
        """A sentence about these methods as one about the variants that they are made of."""
        for name, origin in self.origins.items():
            sentence = re.sub(rf"\bmethods\.{name}\b", origin, sentence)
        return sentence


def make_methods(ablations: AblationSettings, methods: Mapping[str, MethodSettings]) -> Made:
    """The methods of all variants, and those that they start from where these change too.

    Variants that change their start alike share it; it is called after the first of them. A start that is changed into
    a method of the configuration is that method.

    Args:
        ablations: what is varied, and how.
        methods: all methods of the configuration, which fit each other, the varied one among them.

    Raises:
        ValueError: one sentence that names the key.
    """
    if not methods[ablations.of].sampled:
        raise ValueError(
            f"ablations.of is {ablations.of!r}, whose images another program made; name a method that this run trains"
        )
    own, made = settings_of(methods[ablations.of]), Made()
    for name, variant in ablations.variants.items():
        place = f"ablations.variants.{name}"
        settings = lay_over(own, variant.changes)
        if variant.start_changes:
            settings["start"] = changed_start(settings, variant.start_changes, methods, made, place, name)
        if settings == own:
            raise ValueError(
                f"{place} changes nothing of {ablations.of!r}; remove it, or write for example"
                " `changes: {prompts: plain}`"
            )
        require_kind(settings, own, f"{place}.{CHANGES}")
        add_method(made, ablations.method_of(name), settings, methods, f"{place}.{CHANGES}")
    return made


def changed_start(
    settings: dict[str, Any],
    changes: dict[str, Any],
    methods: Mapping[str, MethodSettings],
    made: Made,
    place: str,
    variant: str,
) -> str:
    """Name of the method that a variant starts from, which is made unless there is one with its settings."""
    key, start = f"{place}.{START_CHANGES}", settings.get("start")
    if start not in methods:
        raise ValueError(f"{key}: the variant starts from no method of the configuration; leave `{START_CHANGES}` out")
    own = settings_of(methods[start])
    wanted = lay_over(own, changes)
    require_kind(wanted, own, key)
    known = made.methods | {name: settings_of(method) for name, method in methods.items()}
    if same := [name for name, other in known.items() if other == wanted]:
        return same[0]
    add_method(made, f"{start}_{variant}", wanted, methods, key)
    return f"{start}_{variant}"


def add_method(
    made: Made, name: str, settings: dict[str, Any], methods: Mapping[str, MethodSettings], origin: str
) -> None:
    """Add a method whose name is not taken."""
    if name in methods or name in made.methods:
        raise ValueError(f"{origin} makes a method {name!r}, of which there is one already; rename the variant")
    made.methods[name], made.origins[name] = settings, origin


def require_kind(settings: dict[str, Any], own: dict[str, Any], key: str) -> None:
    """A variant is of the kind of what it varies."""
    if settings.get("kind") != own["kind"]:
        raise ValueError(
            f"{key} changes the kind from {own['kind']!r} to {settings.get('kind')!r}; leave `kind` out, and write a"
            " method of another kind under `methods`"
        )


def settings_of(method: MethodSettings) -> dict[str, Any]:
    """A method's settings as YAML has them, its defaults among them."""
    return method.model_dump(mode="json")


def lay_over(settings: Any, changes: Any) -> Any:
    """Settings with changes laid over them; where a mapping is changed its other keys stay, and null takes a key away.

    >>> lay_over({"a": {"b": 1, "c": 2}, "d": [3]}, {"a": {"b": None}, "d": [4, 5]})
    {'a': {'c': 2}, 'd': [4, 5]}
    """
    if not isinstance(changes, dict):
        return changes
    kept = dict(settings) if isinstance(settings, dict) else {}
    for key, change in changes.items():
        if change is None:
            kept.pop(key, None)
        else:
            kept[key] = lay_over(kept.get(key), change)
    return kept
