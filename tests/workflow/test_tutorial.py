"""docs/tutorial.md: all its blocks, one after another, in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from craft.core.files import ROOT
from craft.pipeline.config import validate_config

TUTORIAL = (ROOT / "docs/tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TUTORIAL, flags=re.MULTILINE | re.DOTALL)
CONFIGURATION = "my.yaml"
KEPT_OUT = (".*", "__pycache__", "*.egg-info", "results", "raw")


def run_block(language: str, text: str, folder: Path) -> str:
    """Do with a block what a reader does; what it prints."""
    if language == "yaml":
        (folder / CONFIGURATION).write_text(text)
        return ""
    command = {"bash": ["bash", "-ec", text], "python": [sys.executable, "-c", text]}[language]
    places = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
    }
    kept = {name: value for name, value in os.environ.items() if name != "CRAFT_DATA"}
    run = subprocess.run(command, cwd=folder, env=kept | places, capture_output=True, text=True)
    assert run.returncode == 0, f"{text}\n{run.stdout[-4000:]}{run.stderr[-4000:]}"
    return run.stdout


def test_its_configuration_is_valid_and_saved_under_the_name_that_commands_use():
    (text,) = [text for language, text in BLOCKS if language == "yaml"]
    config = validate_config(yaml.safe_load(text))
    assert config.datasets["skin"].names_patients and f"Save this as `{CONFIGURATION}`" in TUTORIAL
    runs = [line for _, text in BLOCKS for line in text.splitlines() if line.startswith("snakemake")]
    assert runs and all(f"--configfile {CONFIGURATION}" in line for line in runs)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_its_blocks_run_one_after_another(tmp_path):
    folder = tmp_path / "craft"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*KEPT_OUT))
    said = "".join(run_block(language, text, folder) for language, text in BLOCKS)
    assert "skin: 160 images" in said and "no patient is in two splits" in said
    assert re.search(r"^ *craft +0\.\d+", said, flags=re.MULTILINE)
    assert len(pd.read_csv(folder / "scores.csv")) == 160
    assert (folder / "my-generator/model_index.json").is_file()
    assert len(list((folder / "my-images").rglob("*.png"))) == 12
    assert "# Reporting checklist" in (folder / "results/mine/paper/checklist.md").read_text()
