"""The knowledge bank: every shipped file follows the schema, and mistakes are named."""

from pathlib import Path

import pytest
import yaml
from tiny import tiny_knowledge

from craft.core.errors import CraftError
from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.pipeline.config import validate_config
from craft.training.prompts import all_prompts, draw_prompts

ROOT = Path(__file__).parents[2]
BANK = sorted((ROOT / "data/knowledge").glob("*.yaml"))


@pytest.mark.parametrize("path", BANK, ids=lambda path: path.stem)
def test_every_file_of_the_bank_is_rich_enough(path):
    knowledge = Knowledge.load(path)
    assert knowledge.modality == path.stem
    for label in knowledge.labels.values():
        assert len(label.descriptions) >= 5 and len(label.held_out_descriptions) >= 3 and len(label.checklist) >= 5
        assert len(set(label.described().values())) == len(label.described()) >= 8
        assert all(item.present != item.absent for item in label.checklist)


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))], ids=lambda p: p.stem
)
def test_every_label_of_every_configuration_has_knowledge(path):
    config = validate_config(yaml.safe_load(path.read_text()))
    for dataset in config.datasets.values():
        knowledge = Knowledge.load(ROOT / config.knowledge.folder / f"{dataset.modality}.yaml")
        assert list(knowledge.select(dataset.labels).labels) == dataset.labels


def test_a_label_without_an_entry_is_named_with_the_file():
    with pytest.raises(CraftError, match=r"no entry for label 'unicorn'; add it to my/bank\.yaml"):
        tiny_knowledge().select(["nevus", "unicorn"], Path("my/bank.yaml"))


@pytest.mark.parametrize("key", ["../up", "index", "a/b", ".hidden"])
def test_label_keys_are_fit_for_names_of_pages(key):
    raw = tiny_knowledge().model_dump(mode="json")
    raw["labels"][key] = raw["labels"]["nevus"]
    with pytest.raises(ValueError, match=r"index|pattern"):
        Knowledge.model_validate(raw)


@pytest.mark.parametrize("text", ["labels: {}", "modality: [", "modality: x\nlabels: {a: {name: b}}"])
def test_a_broken_file_is_named(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(CraftError, match=r"x\.yaml (is not a knowledge file|cannot be read as YAML)"):
        Knowledge.load(tmp_path / "x.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CraftError, match="no knowledge file"):
        Knowledge.load(tmp_path / "x.yaml")


def with_held_out(*labels: str, texts: tuple[str, ...] = ("a spot on the skin", "a patch on the skin")) -> dict:
    """The tiny knowledge in plain form, whose named labels have held-out descriptions."""
    raw = tiny_knowledge().model_dump(mode="json")
    for label in labels:
        raw["labels"][label]["held_out_descriptions"] = list(texts)
    return raw


def test_held_out_evaluators_alone_read_the_held_out_descriptions():
    shared, own = tiny_knowledge(), Knowledge.model_validate(with_held_out("nevus", "melanoma"))
    assert shared.shares_texts and not own.shares_texts
    label = own.labels["nevus"]
    assert label.descriptions_for("held_out") == ["a spot on the skin", "a patch on the skin"]
    assert label.descriptions_for("reward") == label.descriptions_for("monitor") == label.descriptions
    assert shared.labels["nevus"].descriptions_for("held_out") == shared.labels["nevus"].descriptions


def test_all_labels_have_held_out_descriptions_or_none(tmp_path):
    (tmp_path / "k.yaml").write_text(yaml.safe_dump(with_held_out("nevus")))
    with pytest.raises(CraftError, match="'nevus' has `held_out_descriptions` and 'melanoma' has none; give them to"):
        Knowledge.load(tmp_path / "k.yaml")


def test_no_description_is_held_out_and_not(tmp_path):
    texts = ("a lesion with a border", "a patch on the skin")
    (tmp_path / "k.yaml").write_text(yaml.safe_dump(with_held_out("nevus", "melanoma", texts=texts)))
    with pytest.raises(CraftError, match="'a lesion with a border' stands under `descriptions` and `held_out_desc"):
        Knowledge.load(tmp_path / "k.yaml")


def test_no_generator_s_prompt_is_held_out():
    raw = with_held_out("nevus", "melanoma")
    assert not {"a spot on the skin", "a patch on the skin"} & set(all_prompts(Knowledge.model_validate(raw)))


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
