"""Hub models: an id is told from a mistyped path, and found at one commit, without a network from the local copy."""

import pytest
from huggingface_hub import constants

from craft.core.errors import CraftError
from craft.core.files import write_text
from craft.models.hub import check_source, fetch_folder, find_commit, is_hub_id

COMMIT, TAGGED = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The hub's cache as downloads leave it, with a main branch and a tag; the hub itself cannot be reached."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repository = tmp_path / "cache/models--some--model"
    for name, commit in (("main", COMMIT), ("v1", TAGGED)):
        write_text(repository / "refs" / name, commit)
        write_text(repository / "snapshots" / commit / "open_clip_config.json", "{}")
    return repository


@pytest.mark.parametrize("path", ["data/modles", "./some/model", "/some/model", "some", "a/b/c", "~/a"])
def test_what_could_be_a_path_is_no_hub_id(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/models").mkdir(parents=True)
    check_source("data/models")
    with pytest.raises(CraftError, match=f"there is no model folder {path}; correct the path"):
        check_source(path)


def test_an_id_of_the_hub_is_one():
    assert is_hub_id("stabilityai/stable-diffusion-2-1-base")
    check_source("stabilityai/stable-diffusion-2-1-base")


@pytest.mark.parametrize("local", [True, False])
def test_a_model_has_the_commit_of_its_local_copy_where_the_hub_is_not_asked(cache, local):
    assert find_commit("some/model", local_files_only=local) == COMMIT
    assert find_commit("some/model", "v1", local_files_only=local) == TAGGED


def test_a_model_that_is_nowhere_gets_a_sentence(cache):
    with pytest.raises(CraftError, match=r"no local copy of a hub model 'some/modle', and the hub cannot be reached"):
        find_commit("some/modle")
    with pytest.raises(CraftError, match="at the revision 'v2', and `local_files_only` forbids"):
        find_commit("some/model", "v2", local_files_only=True)


def test_files_are_fetched_from_a_folder_or_the_local_copy(cache, tmp_path):
    files = ["*.json"]
    assert fetch_folder(str(tmp_path), files) == tmp_path
    assert fetch_folder("some/model", files, TAGGED, local_files_only=True) == cache / "snapshots" / TAGGED
    with pytest.raises(CraftError, match="'some/other' cannot be fetched"):
        fetch_folder("some/other", files, local_files_only=True)
