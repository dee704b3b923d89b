"""Registries: things of one kind by name, each in a file of its own, found when they are asked for.

A registry lists its members by module, so that a job imports, and depends on the code of, those that it uses and no
other. A user's own file adds members with `register`; it is named in the configuration under `extensions`.
"""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from craft.core.errors import CraftError
from craft.core.files import ROOT

Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """Things of one kind.

    Args:
        kind: what they are, for messages.
        attribute: what every member's module calls its thing.
        modules: name -> module, in the order in which the members are listed everywhere.
    """

    def __init__(self, kind: str, attribute: str, modules: dict[str, str]):
        self.kind, self.attribute = kind, attribute
        self._modules: dict[str, str] = dict(modules)
        self._extensions: dict[str, Thing] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Thing:
        """The member of a name, whose module is imported if need be.

        Raises:
            CraftError: if there is none.
        """
        self.require(name)
        if name in self._extensions:
            return self._extensions[name]
        return getattr(import_module(self._modules[name]), self.attribute)

    def require(self, name: str) -> str:
        """The name itself.

        Raises:
            CraftError: if no member has it; the message lists those that there are.
        """
        if name not in self._modules:
            raise CraftError(f"there is no {self.kind} {name!r}; write one of {', '.join(self)}")
        return name

    def items(self) -> list[tuple[str, Thing]]:
        """All members with their names, in order."""
        return [(name, self[name]) for name in self]

    def modules(self, *names: str) -> list[str]:
        """Modules, or files of extensions, of the given members; of all without a name."""
        return [self._modules[self.require(name)] for name in names or self]

    def is_extension(self, name: str) -> bool:
        """Whether a member was added by an extension."""
        return name in self._extensions

    def extension_files(self) -> list[str]:
        """Files of the members that extensions added, for a job that needs the names alone."""
        return [module for name, module in self._modules.items() if name in self._extensions]

    def register(self, name: str) -> Callable[[Thing], Thing]:
        """Add a member from an extension, after all others.

        Raises:
            CraftError: if the name is taken, or this is called outside of an extension.
        """

        def add(thing: Thing) -> Thing:
            if not _loading:
                raise CraftError(f"the {self.kind} {name!r} can only be registered by a file named in `extensions`")
            if name in self._modules:
                raise CraftError(
                    f"there is a {self.kind} {name!r} already; give the one in {_loading[-1]} another name"
                )
            self._modules[name], self._extensions[name] = _loading[-1], thing
            return thing

        return add


_loading: list[str] = []
_loaded: dict[Path, object] = {}


def load_extensions(paths: list[str]) -> None:
    """Import the files among some modules and paths, each once; what they register can then be found by name.

    A path is relative to the repository.

    Raises:
        CraftError: if a file is missing or cannot be imported.
    """
    for path in (path for path in paths if path.endswith(".py")):
        file = (ROOT / path).resolve()
        if file in _loaded:
            continue
        if not file.is_file():
            raise CraftError(f"no extension {path}: correct the path under `extensions`, or remove it there")
        spec = spec_from_file_location(f"craft_extension_{len(_loaded)}_{file.stem}", file)
        module = module_from_spec(spec)
        sys.modules[module.__name__] = module
        _loading.append(path)
        try:
            spec.loader.exec_module(module)
        except CraftError:
            raise
        except Exception as error:
            raise CraftError(f"the extension {path} cannot be imported: {type(error).__name__}: {error}") from error
        finally:
            _loading.pop()
        _loaded[file] = module


def named(registry: Registry) -> Any:
    """Type of a setting that names a member of a registry."""

    def require(name: str) -> str:
        if name not in registry:
            raise ValueError(f"there is no {registry.kind} {name!r}; write one of {', '.join(registry)}")
        return name

    return Annotated[str, AfterValidator(require), WithJsonSchema({"type": "string", "enum": list(registry)})]


class Chosen:
    """Annotation of a setting whose model is a member of a registry, chosen by one of its keys.

    The place of a finding names the keys of the file alone, as if the model stood there itself.
    """

    def __init__(self, registry: Registry[type[BaseModel]], key: str):
        self.registry, self.key = registry, key

    def validate(self, value: Any) -> BaseModel:
        """The value as the model that its key names."""
        if isinstance(value, BaseModel):
            return value
        names = ", ".join(self.registry)
        if not isinstance(value, dict):
            raise PydanticCustomError("dict_type", "Input should be a valid dictionary")
        if self.key not in value:
            raise PydanticCustomError(
                "choice_missing",
                "the key `{key}` is missing; write for example `{key}: {example}`",
                {"key": self.key, "example": next(iter(self.registry))},
            )
        name = value[self.key]
        if not isinstance(name, str) or name not in self.registry:
            raise PydanticCustomError(
                "choice_unknown",
                "there is no {kind} {name}; write `{key}: ` and one of {names}",
                {"kind": self.registry.kind, "name": repr(name)[:80], "key": self.key, "names": names},
            )
        return self.registry[name].model_validate(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        models = [handler(model.__pydantic_core_schema__) for _, model in self.registry.items()]
        return {"oneOf": models, "discriminator": {"propertyName": self.key}}
