"""The configuration: mistakes end in one sentence that names the key and shows a correct line."""

import copy
import shutil
from pathlib import Path

import pytest
import yaml

from craft.core.config.run import validate_config
from craft.core.errors import CraftError
from craft.core.resolve import resolve_settings, write_settings
from craft.core.settings import MethodSettings

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def changed(path: str, value) -> dict:
    raw = copy.deepcopy(DEFAULT)
    *parents, last = path.split(".")
    node = raw
    for key in parents:
        node = node[key]
    node[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("resolutionn", 64, "unknown key `resolutionn`"),
        ("methods.craft.objective.betta", 1, "unknown key `methods.craft.objective.betta`"),
        ("resolution", "big", "`resolution`: .* write for example `resolution: "),
        ("resolution", 33, "`resolution`"),
        (
            "datasets.fundus.splits",
            {"train": 0.9, "test": 0.9},
            "split fractions sum to .* write for example `splits: {",
        ),
        ("datasets.fundus.reader", "dicom", "reader"),
        ("datasets.fundus.labels", ["only_one"], "datasets.fundus.labels"),
        ("evaluators.clip_resnet.role", "judge", "evaluators.clip_resnet.role"),
        ("evaluators.clip_resnet.role", "held_out", "exactly one evaluator has the role 'reward'"),
        ("evaluators.siglip_regnet.role", "monitor", "exactly one evaluator has the role 'monitor'"),
        ("evaluators.siglip_regnet.path", "data/models/evaluator-clip_resnet", "has two roles"),
        ("evaluators.siglip_regnet.path", "./data/models/../models/evaluator-clip_bit/", "has two roles"),
        ("fidelity", {"evaluators": ["nobody"]}, "fidelity.evaluators names 'nobody'"),
        ("fidelity", {"neighbours": 0}, "fidelity.neighbours"),
        ("scoring.further_tail_quantiles", [0.05, 1.5], "scoring.further_tail_quantiles"),
        ("foundation", {}, "either `path` or `train`"),
        ("methods.craft.start", "foundation", "methods.craft.start is 'foundation', which is not a supervised method"),
        ("methods.craft.backprop", {"steps": 99}, "methods.craft.backprop.steps is 99"),
        ("methods.craft.backprop", {"mode": "refl", "lv": 2}, "can repeat its last step"),
        ("methods.real", {"kind": "foundation"}, "cannot be called 'real'"),
        ("downstream.methods", ["nothing"], "downstream.methods names 'nothing'"),
        ("seeds", [], "seeds"),
        ("knowledge", {"provider": "openai"}, "`knowledge`: the provider 'openai' needs a model; write for example"),
        ("knowledge", {"provider": "oracle"}, "knowledge.provider"),
        ("knowledge", {"foldr": "bank"}, "unknown key `knowledge.foldr`"),
        (
            "knowledge",
            {"provider": "openai", "model": "m", "reference_images": 2},
            "reference images would be sent .* write `reference_images: 0`, or `images_may_leave: true`",
        ),
    ],
)
def test_a_mistake_is_named_in_one_line(path, value, sentence):
    with pytest.raises(CraftError, match=sentence) as caught:
        validate_config(changed(path, value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("key", "secret"), [("key_variable", "sk-123"), ("base_url", "https://me:sk-123@host/v1")])
def test_a_secret_in_the_configuration_is_refused_without_being_repeated(key, secret):
    with pytest.raises(CraftError, match=f"`knowledge.{key}`: this is no .*; write for example `{key}: ") as caught:
        validate_config(DEFAULT | {"knowledge": {key: secret}})
    assert "sk-123" not in str(caught.value)


def test_a_plain_folder_names_the_knowledge_bank():
    assert validate_config(DEFAULT | {"knowledge": "bank"}).knowledge.folder == "bank"
    assert validate_config(DEFAULT).knowledge.folder == "data/knowledge"


@pytest.mark.parametrize("role", ["reward", "monitor"])
def test_a_copy_of_an_evaluator_that_shaped_a_run_cannot_be_held_out(role, tmp_path):
    name = next(key for key, value in DEFAULT["evaluators"].items() if value["role"] == role)
    shutil.copytree(ROOT / DEFAULT["evaluators"][name]["path"], tmp_path / "copy")
    (tmp_path / "copy/model.safetensors").rename(tmp_path / "copy/weights.safetensors")
    raw = changed("evaluators.innocent", {"role": "held_out", "path": str(tmp_path / "copy")})
    with pytest.raises(CraftError, match=rf"'{name}' \({role}\) and 'innocent' \(held_out\) have the same weights"):
        validate_config(raw)
    weights = tmp_path / "copy/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert "innocent" in validate_config(raw).evaluators


def test_two_evaluators_trained_alike_are_one_model():
    training = {"family": "clip_bit", "seed": 7}
    raw = changed("evaluators.clip_bit", {"role": "monitor", "train": training})
    raw["evaluators"]["siglip_regnet"] = {"role": "held_out", "train": training}
    with pytest.raises(CraftError, match="are trained with the same settings, so that one model has two roles"):
        validate_config(raw)
    raw["evaluators"]["siglip_regnet"]["train"] = training | {"seed": 8}
    validate_config(raw)


def test_any_number_of_evaluators_can_be_held_out():
    raw = changed("evaluators.another", {"role": "held_out", "path": "some/hub_id"})
    raw["evaluators"]["further"] = {"role": "held_out", "path": "some/other_hub_id"}
    settings = resolve_settings(validate_config(raw))
    names = [ref.name for ref in settings["fundus/settings/measure_fidelity.yaml"].evaluators]
    assert names == ["siglip_regnet", "another", "further"]
    assert len(settings["fundus/settings/calibrate_cas.yaml"].evaluators) == 5
    raw["evaluators"]["further"]["path"] = "some/hub_id"
    with pytest.raises(CraftError, match=r"'another' .* 'further' .* have the same path .* would count twice"):
        validate_config(raw)


def test_a_missing_key_is_named():
    raw = copy.deepcopy(DEFAULT)
    del raw["foundation"]
    with pytest.raises(CraftError, match="the key `foundation` is missing"):
        validate_config(raw)


def test_a_reward_run_is_never_told_of_the_held_out_evaluator():
    settings = resolve_settings(validate_config(DEFAULT))
    runs = [value for value in settings.values() if isinstance(value, MethodSettings)]
    roles = {run.method: {ref.role for ref in run.evaluators} for run in runs}
    assert roles == {"lora": set(), "lora_enriched": set(), "craft": {"reward", "monitor"}}


def test_settings_are_written_only_where_they_change(tmp_path):
    raw = DEFAULT | {"results": str(tmp_path)}
    write_settings(validate_config(raw))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yaml")}
    changed_raw = copy.deepcopy(raw)
    changed_raw["methods"]["craft"]["objective"]["beta"] = 3.0
    write_settings(validate_config(changed_raw))
    touched = {path for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
    assert {path.name for path in touched} == {"finetune_reward.yaml"}
    assert len(touched) == len(raw["datasets"])
