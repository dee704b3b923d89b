"""Hub models are at one commit before the first job, which all jobs name and all later starts keep."""

import copy
from pathlib import Path

import pytest
import yaml
from huggingface_hub import constants

from craft.core.errors import CraftError
from craft.core.files import write_changed, write_text
from craft.core.reading import read_json
from craft.pipeline.config import Config, validate_config
from craft.pipeline.inputs import check_inputs
from craft.pipeline.jobs import resolve_jobs
from craft.pipeline.pins import PINS, pin_models

DEFAULT = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The hub's cache with a model at its main branch; the hub cannot be reached."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repository = tmp_path / "cache/models--some--model"
    for commit in (OLD, NEW):
        write_text(repository / "snapshots" / commit / "config.json", "{}")
    write_text(repository / "refs/main", OLD)
    return repository


def configuration(tmp_path: Path, **foundation) -> Config:
    raw = copy.deepcopy(DEFAULT) | {"results": str(tmp_path / "results")}
    raw["foundation"] = {"path": "some/model"} | foundation
    return validate_config(raw)


def test_every_job_names_the_commit_and_later_starts_keep_it(cache, tmp_path):
    for revision in (OLD, NEW):
        write_text(cache / "refs/main", revision)
        jobs = resolve_jobs(pin_models(configuration(tmp_path, variant="fp16"), write_changed))
        named = {job.foundation.revision for job in jobs.values() if getattr(job, "foundation", None)}
        assert named == {OLD}
    assert read_json(tmp_path / "results" / PINS) == {"some/model@main": OLD}
    assert jobs["fundus/settings/encode_images.yaml"].foundation.hub == {"revision": OLD, "variant": "fp16"}


def test_another_revision_is_looked_up_anew(cache, tmp_path):
    pin_models(configuration(tmp_path), write_changed)
    assert pin_models(configuration(tmp_path, revision=NEW), write_changed).foundation.revision == NEW


def test_judges_are_pinned_too_and_folders_are_not(cache, tmp_path):
    raw = copy.deepcopy(DEFAULT) | {"results": str(tmp_path / "results")}
    raw["evaluators"]["lit_efficientnet"] = {"role": "held_out", "path": "some/model", "loader": "open_clip"}
    config = pin_models(validate_config(raw), write_changed)
    assert config.evaluators["lit_efficientnet"].revision == OLD
    assert config.foundation.revision is None and config.evaluators["clip_bit"].revision is None
    refs = resolve_jobs(config)["fundus/settings/encode_images.yaml"].evaluators
    assert [ref.hub for ref in refs] == [{}, {}, {"revision": OLD}]


def test_a_run_of_folders_alone_writes_no_pins(tmp_path):
    raw = copy.deepcopy(DEFAULT) | {"results": str(tmp_path / "results")}
    assert pin_models(validate_config(raw), write_changed) == validate_config(raw)
    assert not (tmp_path / "results").exists()


def test_a_model_that_cannot_be_found_is_named_with_its_key(cache, tmp_path):
    with pytest.raises(CraftError, match="`foundation`: there is no folder some/other, no local copy of a hub model"):
        pin_models(configuration(tmp_path, path="some/other"), write_changed)


@pytest.mark.parametrize(
    ("section", "name", "path"),
    [
        ("foundation", None, "data/models/fundation"),
        ("evaluators", "clip_bit", "data/modles"),
        ("evaluators", "clip_bit", "evaluator-clip_bit"),
        ("encoders", "anatomy_bit", "./data/models/encoder"),
        ("phantom_classifier", None, "data/models/classifier"),
    ],
)
def test_a_mistyped_folder_is_told_before_the_first_job(section, name, path):
    raw = copy.deepcopy(DEFAULT)
    model = raw[section][name] if name else raw[section]
    model["path"] = path
    key = f"{section}.{name}.path" if name else f"{section}.path"
    with pytest.raises(CraftError, match=rf"`{key}`: there is no model folder {path}; correct the path, or name"):
        check_inputs(validate_config(raw))


@pytest.mark.parametrize("key", ["revision", "variant", "local_files_only"])
def test_a_version_of_a_model_that_the_run_trains_is_refused(key):
    raw = copy.deepcopy(DEFAULT)
    raw["foundation"] = {"train": {}, key: True if key == "local_files_only" else "fp16"}
    with pytest.raises(CraftError, match=f"`{key}` is read where a model is loaded, not trained; remove it"):
        validate_config(raw)
    raw["foundation"]["train"] = {"start": "some/model"}
    validate_config(raw)
