"""What is missing is told before the first job, in one sentence with the folders that the configuration names."""

import copy
from pathlib import Path

import pytest
import yaml
from tiny import tiny_knowledge

from craft.core.errors import LONG, CraftError
from craft.pipeline.config import Config, validate_config
from craft.pipeline.inputs import check_inputs

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def configuration(tmp_path: Path, **dataset) -> Config:
    """The default run with one dataset of images and a bank of its own."""
    (tmp_path / "bank").mkdir(exist_ok=True)
    keys = {"reader": "image_folder", "modality": "skin", "path": "set", "labels": ["nevus", "melanoma"]} | dataset
    changes = {"datasets": {"mine": keys}, "downstream": {}, "knowledge": str(tmp_path / "bank")}
    return validate_config(copy.deepcopy(DEFAULT) | changes | {"results": str(tmp_path / "results")})


@pytest.fixture
def bank(tmp_path, monkeypatch) -> Path:
    """A bank with knowledge of skin, and a data folder."""
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    (tmp_path / "set").mkdir()
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank/skin.yaml").write_text(tiny_knowledge().to_yaml())
    return tmp_path / "bank"


def test_a_run_that_lacks_nothing_is_silent(bank, tmp_path):
    check_inputs(configuration(tmp_path))
    check_inputs(validate_config(copy.deepcopy(DEFAULT)))


def test_a_missing_knowledge_file_is_told_with_the_command_that_begins_one(bank, tmp_path):
    with pytest.raises(CraftError) as told:
        check_inputs(configuration(tmp_path, modality="ultrasound"))
    assert "`datasets.mine`" in str(told.value) and str(bank / "ultrasound.yaml") in str(told.value)
    assert "craft knowledge new ultrasound nevus melanoma" in str(told.value)


def test_a_label_without_knowledge_is_told_with_the_file_of_the_configuration(bank, tmp_path):
    with pytest.raises(CraftError) as told:
        check_inputs(configuration(tmp_path, labels=["nevus", "mole"]))
    assert "no entry for 'mole'" in str(told.value) and str(bank / "skin.yaml") in str(told.value)
    assert "data/knowledge" not in str(told.value)


def test_a_broken_knowledge_file_is_told(bank, tmp_path):
    (bank / "skin.yaml").write_text("labels: [")
    with pytest.raises(CraftError, match=r"skin\.yaml cannot be read as a knowledge file"):
        check_inputs(configuration(tmp_path))


def test_a_missing_data_folder_is_told_unless_its_images_are_prepared(bank, tmp_path):
    config = configuration(tmp_path, path="nowhere")
    with pytest.raises(CraftError, match=r"`datasets\.mine`: no data folder .*nowhere"):
        check_inputs(config)
    (tmp_path / "results/mine").mkdir(parents=True)
    (tmp_path / "results/mine/images.parquet").touch()
    check_inputs(config)


def test_a_missing_knowledge_file_of_many_labels_is_a_short_sentence(tmp_path, bank):
    config = configuration(tmp_path, modality="other", labels=[f"label_of_some_length_{n}" for n in range(30)])
    with pytest.raises(CraftError, match=r"craft knowledge new other LABEL\.\.\. --output .*other\.yaml") as told:
        check_inputs(config)
    assert len(str(told.value).replace(str(tmp_path), "")) <= LONG
