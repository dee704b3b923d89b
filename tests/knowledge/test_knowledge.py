"""The knowledge bank: every shipped file follows the schema, and mistakes are named."""

from pathlib import Path

import pytest
import yaml
from tiny import tiny_knowledge

from craft.core.errors import CraftError
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.pipeline.config import validate_config
from craft.training.prompts import draw_prompts

ROOT = Path(__file__).parents[2]
BANK = sorted((ROOT / "data/knowledge").glob("*.yaml"))


@pytest.mark.parametrize("path", BANK, ids=lambda path: path.stem)
def test_every_file_of_the_bank_is_rich_enough(path):
    knowledge = Knowledge.load(path)
    assert knowledge.modality == path.stem
    for label in knowledge.labels.values():
        assert len(label.descriptions) >= 8 and len(label.checklist) >= 5
        assert len(set(label.descriptions)) == len(label.descriptions)
        assert all(item.present != item.absent for item in label.checklist)


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))], ids=lambda p: p.stem
)
def test_every_label_of_every_configuration_has_knowledge(path):
    config = validate_config(yaml.safe_load(path.read_text()))
    for dataset in config.datasets.values():
        knowledge = Knowledge.load(ROOT / config.knowledge.folder / f"{dataset.modality}.yaml")
        assert list(knowledge.select(dataset.labels).labels) == dataset.labels


def test_a_label_without_an_entry_is_named():
    with pytest.raises(CraftError, match="no entry for label 'unicorn'"):
        tiny_knowledge().select(["nevus", "unicorn"])


@pytest.mark.parametrize("text", ["labels: {}", "modality: [", "modality: x\nlabels: {a: {name: b}}"])
def test_a_broken_file_is_named(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(CraftError, match=r"x\.yaml is not a knowledge file"):
        Knowledge.load(tmp_path / "x.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CraftError, match="no knowledge file"):
        Knowledge.load(tmp_path / "x.yaml")


def test_knowledge_survives_a_round_trip(tmp_path):
    (tmp_path / "k.yaml").write_text(tiny_knowledge().to_yaml())
    assert Knowledge.load(tmp_path / "k.yaml") == tiny_knowledge()


def test_prompts_are_plain_or_drawn_from_the_descriptions():
    knowledge, labels = tiny_knowledge(), ["nevus", "melanoma"] * 20
    plain = draw_prompts(knowledge, labels, "plain", Draws("prompts"))
    assert set(plain) == {"a lesion image", "a dark lesion"}
    enriched = draw_prompts(knowledge, labels, "enriched", Draws("prompts"))
    assert set(enriched[::2]) == set(knowledge.labels["nevus"].descriptions)
    assert set(enriched[1::2]) == set(knowledge.labels["melanoma"].descriptions)
