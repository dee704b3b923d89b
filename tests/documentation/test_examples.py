"""The examples of docs/extending.md: each is loaded through `extensions`, validated and run in its own process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.py"))
RUNNER = "tests/documentation/run_example.py"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_loaded_and_runs(path, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])}
    command = [sys.executable, RUNNER, path.stem, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_shown(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= (20 if path.stem == "reward" else 50)
    assert path.read_text().strip() in (ROOT / "docs/extending.md").read_text()
