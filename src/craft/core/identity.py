"""Identities: what a result was made of, as hashes of settings, code and input files."""

import ast
import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from craft.core.files import ROOT


def source_closure(script: str, modules: list[str] | tuple[str, ...] = ()) -> tuple[str, ...]:
    """Files that `scripts/<script>.py` imports, directly or not, itself included, in sorted order.

    Imports inside functions count too. What the script looks up by name in a registry is no import: a job's settings
    name it (`craft.core.settings.JobSettings.modules`).

    Args:
        script: name of the script.
        modules: modules of this library and files of extensions that it finds by name.

    Returns:
        Paths relative to the repository; those of extensions as they were given.
    """
    files = {f"scripts/{script}.py", *trace_imports((ROOT / "scripts" / f"{script}.py").read_text(encoding="utf-8"))}
    for module in modules:
        files |= module_closure(module)
    return tuple(sorted(files))


@lru_cache(maxsize=256)
def module_closure(module: str) -> frozenset[str]:
    """Files of a module, or of an extension's file, and of all that it imports."""
    if module.endswith(".py"):
        return frozenset({module, *trace_imports((ROOT / module).read_text(encoding="utf-8"))})
    return frozenset(trace_imports(f"import {module}"))


@lru_cache(maxsize=64)
def notebook_closure(notebook: str) -> tuple[str, ...]:
    """Files of this repository that the code of `notebooks/<notebook>.ipynb` imports, directly or not."""
    cells = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    return trace_imports("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))


@lru_cache(maxsize=256)
def trace_imports(code: str) -> tuple[str, ...]:
    """Files of this repository that Python source imports, directly or not, in sorted order."""
    found, waiting = set(), [*list_imports(code)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports_of(file)
    return tuple(sorted(found))


@lru_cache(maxsize=1024)
def imports_of(file: str) -> frozenset[str]:
    """Files of this repository that one of them imports itself."""
    return list_imports((ROOT / file).read_text(encoding="utf-8"))


def list_imports(code: str) -> frozenset[str]:
    """Files of the modules that Python source names in its imports, and of the packages that hold them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # what is imported from a package may be a module
            names |= {f"{node.module}.{each.name}" for each in node.names}
    parts = [name.split(".") for name in names]
    places = {"/".join(("src", *part[:end])) for part in parts for end in range(1, len(part) + 1)}
    files = {file for place in places for file in (f"{place}/__init__.py", f"{place}.py")}
    return frozenset(file for file in files if (ROOT / file).is_file())


def hash_files(paths: list[Path] | tuple[Path, ...]) -> str:
    """SHA-256 over the names and bytes of files; folders count with all files in them."""
    digest = hashlib.sha256()
    for path in map(Path, paths):
        members = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in members:
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def hash_value(value: Any) -> str:
    """SHA-256 of a JSON-able value, independent of key order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=64)
def hash_code(script: str, modules: tuple[str, ...] = ()) -> str:
    """SHA-256 of a script's import closure, as this process first met it."""
    return hash_files([Path(os.path.join(ROOT, file)) for file in source_closure(script, modules)])


def hash_run(settings: dict[str, Any], script: str, inputs: list[Path]) -> str:
    """Short identity of a training: settings, code and input data; names its checkpoint folder.

    Args:
        settings: of the job, as plain values; its `modules` count as code.
        script: name of the script.
        inputs: files and folders.
    """
    modules = tuple(settings.get("modules", ()))
    return hash_value([settings, hash_code(script, modules), hash_files(inputs)])[:16]
