"""Releasing models: what is copied, and what is refused in one sentence."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from in_process import run_script


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    (folder / "foundation").mkdir(parents=True)
    (folder / "sheets").mkdir()
    (folder / "foundation" / "provenance.json").write_text("{}")
    (folder / "sheets" / "fundus.png").touch()
    return folder


def release(models: Path, *options: str) -> CompletedProcess:
    return run_script("release_models", f"--models={models}", f"--output={models.parent / 'out'}", *options)


def write_quality(models: Path, *faults: str) -> None:
    (models / "quality.json").write_text(json.dumps({"fundus": {"faults": list(faults)}}))


def test_sound_models_are_copied_with_their_table_and_sheets(models):
    write_quality(models)
    assert release(models).returncode == 0
    copied = {str(path.relative_to(models.parent / "out")) for path in (models.parent / "out").rglob("*.*")}
    assert copied == {"foundation/provenance.json", "quality.json", "sheets/fundus.png"}


def test_a_foundation_that_falls_short_is_refused_unless_asked_for(models):
    write_quality(models, "no sample shows anatomy")
    refused = release(models)
    assert refused.returncode == 2 and "fundus: no sample shows anatomy" in refused.stderr
    assert not (models.parent / "out").exists()
    assert release(models, "--with-faults").returncode == 0


def test_models_that_were_not_checked_are_refused(models):
    refused = release(models)
    assert refused.returncode == 2 and "quality.json is missing" in refused.stderr
