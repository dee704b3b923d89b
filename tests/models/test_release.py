"""The released models: every file is there, is the one that its provenance lists, and all of them stay small."""

import hashlib
from pathlib import Path

import pytest

from craft.core.reading import read_json

MODELS = Path(__file__).parents[2] / "data/models"
RELEASED = sorted(path.parent for path in MODELS.glob("*/provenance.json"))


def test_models_of_every_role_are_released_within_the_size_limit():
    evaluators = {f"evaluator-{family}" for family in ("clip_resnet", "clip_bit", "lit_efficientnet")}
    encoders = {f"encoder-{name}" for name in ("anatomy_resnet", "anatomy_bit")}
    assert {folder.name for folder in RELEASED} == {"foundation", "phantom_classifier", *evaluators, *encoders}
    assert sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file()) <= 20e6


def test_released_models_take_float32_in_plain_libraries():
    told = [read_json(file).get("dtype", "float32") for file in MODELS.rglob("config.json")]
    assert told and set(told) == {"float32"}


@pytest.mark.parametrize("folder", RELEASED, ids=lambda folder: folder.name)
def test_provenance_lists_the_sha256_of_every_file(folder):
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "provenance.json"]
    found = {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert read_json(folder / "provenance.json")["files"] == found
