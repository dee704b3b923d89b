"""Which room may import which: from the top floor down, never back."""

import ast
from pathlib import Path

import pytest

from craft.core.identity import source_closure

ROOT = Path(__file__).parents[1]
# a room may import those of the lines below its own
FLOORS = (
    {"cli"},
    {"commands"},
    {"documentation"},
    {"pipeline"},
    {"export"},
    {"evaluation"},
    {"training"},
    {"reward"},
    {"models", "knowledge"},
    {"datasets"},
    {"core"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path for path in (ROOT / "src/craft").rglob("*.py") if path.parent != ROOT / "src/craft")
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names of what a file of the library imports from it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.startswith("craft.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src/craft")))
def test_no_room_imports_from_above(path):
    room = path.relative_to(ROOT / "src/craft").parts[0]
    above = {name for name in imported(path) if FLOOR[name.split(".")[1]] < FLOOR[room]}
    assert not above
    siblings = FLOORS[FLOOR[room]] - {room}
    assert not {name for name in imported(path) if name.split(".")[1] in siblings}


def test_statistics_are_the_ground_floor_of_the_evaluation():
    for path in (ROOT / "src/craft/evaluation/statistics").glob("*.py"):
        rooms = {".".join(name.split(".")[1:3]) for name in imported(path)}
        assert all(room.startswith("core.") or room == "evaluation.statistics" for room in rooms), path


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_job_depends_on_the_top_floor(script):
    floors = [Path(file).parts[2] for file in source_closure(script) if file.startswith("src/craft/")]
    assert not {"pipeline", "documentation", "commands", "cli.py"} & set(floors)


def test_no_two_classes_share_a_name():
    places: dict[str, list[str]] = {}
    for path in (ROOT / "src/craft").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
