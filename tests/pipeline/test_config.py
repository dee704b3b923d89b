"""The configuration: mistakes end in one sentence that names the key and shows a correct line."""

import copy
import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
import yaml

from craft.core.errors import LONG, CraftError
from craft.core.registry import Chosen
from craft.core.settings import Strict
from craft.evaluation.results import SETTINGS
from craft.evaluation.settings import FeaturesRef
from craft.pipeline.config import Config, validate_config
from craft.pipeline.jobs import resolve_jobs
from craft.pipeline.schema import SCHEMA, schema_text

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())
RELEASED = DEFAULT["encoders"]


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
        ("resolution", "big", "`resolution`: it should be a valid integer, .* write for example `resolution: 64`"),
        ("resolution", 33, "`resolution`: it should be a multiple of 8, found 33; write for example `resolution: 8`"),
        ("resolution", 8, "`resolution`: it should be greater than or equal to 32, .* `resolution: 32`"),
        ("methods.foundation.promts", "plain", "unknown key `methods.foundation.promts`; write `prompts`"),
        ("methods.craft.guard.evry", 2, "unknown key `methods.craft.guard.evry`; write `every`"),
        ("methods.craft.kind", "magic", "`methods.craft`: there is no method kind 'magic'; write `kind: ` and one of"),
        ("methods.craft", {"start": "lora_enriched"}, "`methods.craft`: the key `kind` is missing"),
        (
            "datasets.phantom",
            DEFAULT["datasets"]["fundus"] | {"imagesperlabel": 3},
            "`datasets.phantom.imagesperlabel`",
        ),
        ("methods.craft.guard.tolerance", -1, "`methods.craft.guard.tolerance`: .* `tolerance: 0`"),
        ("methods.craft.objective.gamma", -0.1, "`methods.craft.objective.gamma`: .* `gamma: 0`"),
        ("methods.craft.objective.weights", {}, "`methods.craft.objective.weights`: .* `weights: {alignment: 1.0,"),
        (
            "methods.craft.objective.weights",
            {"checklist": 0},
            "`methods.craft.objective.weights.checklist`: .* greater",
        ),
        (
            "methods.craft.objective.weights",
            {"checklist": -1},
            "`methods.craft.objective.weights.checklist`: .* greater",
        ),
        (
            "methods.craft.objective.weights",
            {"beauty": 1},
            "there is no CAS dimension 'beauty'; write one of alignment,",
        ),
        ("methods.craft.objective.reward", "applause", "there is no reward 'applause'; write one of weighted_mean"),
        ("methods.craft.objective.saturation", [0.5, 0.5], "do not rise"),
        ("evaluators.clip_bit.loader", "magic", "`evaluators.clip_bit.loader`: there is no evaluator loader 'magic'"),
        ("datasets.fundus.labels", [True, False], "put such labels between quotes"),
        ("datasets.fundus.labels", ["NORMAL", "DR"], "lower case .* `label_names: {NORMAL: normal}`"),
        ("datasets.fundus.labels", ["no dr", "dr"], "a blank; .* `label_names: {no dr: no_dr}`"),
        ("datasets.fundus.labels", ["dr", "dr"], "'dr' stands there twice"),
        ("seeds", [1, 1], "repeat one"),
        ("extensions", ["nowhere.py"], "no extension nowhere.py"),
        ("extensions", ["nowhere.txt"], "is no Python file"),
        ("truth", {"path": "a"}, "unknown key `truth`"),
        (
            "datasets.fundus.splits",
            {"train": 0.9, "test": 0.9},
            "split fractions sum to .* write for example `splits: {",
        ),
        ("datasets.fundus.reader", "dicom", "reader"),
        ("datasets.fundus.labels", ["only_one"], "datasets.fundus.labels"),
        ("evaluators.clip_resnet.role", "judge", "evaluators.clip_resnet.role"),
        ("evaluators.clip_resnet.role", "held_out", "at least one evaluator has the role 'reward'"),
        ("evaluators.lit_efficientnet.role", "monitor", "exactly one evaluator has the role 'monitor'"),
        ("evaluators.lit_efficientnet.path", "data/models/evaluator-clip_resnet", "has two roles"),
        ("evaluators.lit_efficientnet.path", "./data/models/../models/evaluator-clip_bit/", "has two roles"),
        ("fidelity", {"evaluators": ["nobody"]}, "fidelity.evaluators names 'nobody'"),
        (
            "memorization",
            {"features": "nobody"},
            "memorization.features is 'nobody', .* `features: efficientnet_lite0`",
        ),
        ("downstream.backbones", ["encoder", "encoder"], "repeat one; write for example `backbones: .encoder, scratch"),
        ("fidelity", {"neighbours": 0}, "fidelity.neighbours"),
        ("scoring.further_tail_quantiles", [0.05, 1.5], "scoring.further_tail_quantiles"),
        ("foundation", {}, "either `path` or `train`"),
        (
            "methods.craft.start",
            "nobody",
            "methods.craft.start is 'nobody', which is no method; .* `start: foundation`",
        ),
        (
            "methods.lora_enriched.match",
            "nobody",
            "methods.lora_enriched.match is 'nobody', which is no method; .* `match: foundation`",
        ),
        ("methods.lora_enriched.start", "craft", "lora_enriched -> craft.* is a circle .* from the foundation"),
        ("methods.lora_enriched.match", "craft", "lora_enriched -> craft.* is a circle .* from the foundation"),
        ("methods.lora_enriched.start", "lora_enriched", "lora_enriched -> lora_enriched is a circle"),
        (
            "methods.lora_enriched.prompts",
            "learned",
            "methods.lora_enriched.prompts is 'learned', .* write for example `prompts: plain`",
        ),
        ("methods.foundation.start", "lora_enriched", "methods.foundation.start"),
        (
            "methods.craft.objective",
            {"evaluators": ["clip_bit"]},
            "methods.craft names 'clip_bit', which is no evaluator of the role 'reward'; .* .clip_resnet.`",
        ),
        (
            "methods.lora_enriched.sampling",
            {"step": 4},
            "unknown key `methods.lora_enriched.sampling.step`; write `steps`",
        ),
        ("methods.craft.backprop", {"steps": 99}, "methods.craft.backprop.steps is 99"),
        ("methods.craft.backprop", {"mode": "refl", "lv": 2}, "can repeat its last step"),
        ("methods.craft.backprop", {"mode": "direct", "lv": 2}, "can repeat its last step"),
        (
            "methods.craft.backprop",
            {"mode": "last", "uses": 2},
            "only `mode: direct` reads `uses`, .* mode is last",
        ),
        ("methods.craft.backprop", {"rollout": {"steps": 4}}, "only `mode: direct` reads `rollout`"),
        ("methods.craft.backprop", {"mode": "direct", "levels": [0.7, 0.05]}, r"the levels .* do not rise; write for"),
        ("methods.craft.backprop", {"mode": "direct", "levels": [0.0, 1.0]}, "levels.1"),
        ("methods.craft.backprop", {"mode": "direct", "levels": [0.05, 0.1]}, "span is 0.15, .* at most `span: 0.1`"),
        ("methods.craft.objective.match", "exceed", "methods.craft.objective.match"),
        ("methods.real", {"kind": "foundation"}, "cannot be called 'real'"),
        ("methods.decoded", {"kind": "foundation"}, "cannot be called 'decoded'"),
        ("downstream.methods", ["nothing"], "downstream.methods names 'nothing'"),
        ("seeds", [], "seeds"),
        ("methods.gan", {"kind": "images"}, "the key `methods.gan.path` is missing"),
        ("methods.gan", {"kind": "images", "path": "gan", "prompts": "plain"}, "unknown key `methods.gan.prompts`"),
        (
            "methods.gan",
            {"kind": "images", "path": "gan"},
            r"methods.gan.path is 'gan', the same images for each dataset of .* `path: gan/\{dataset\}`, or",
        ),
        ("methods.gan", {"kind": "images", "path": "gan.parquet"}, r"for example `path: gan/\{dataset\}.parquet`"),
        ("foundation", None, "the key `foundation` is missing, and methods.foundation samples its images from one"),
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
    with pytest.raises(CraftError, match=rf"'{name}' \({role}\) and 'innocent' \(held_out\) are both of the family"):
        validate_config(raw)
    (tmp_path / "copy/provenance.json").unlink()
    assert "innocent" in validate_config(raw).evaluators, "what is unknown is not refused"


def test_two_evaluators_trained_alike_are_one_model():
    training = {"family": "clip_bit", "seed": 7, "fold": 1, "folds": 3}
    raw = changed("evaluators.clip_bit", {"role": "monitor", "train": training})
    raw["evaluators"]["lit_efficientnet"] = {"role": "held_out", "train": training}
    with pytest.raises(CraftError, match="are trained with the same settings, so that one model has two roles"):
        validate_config(raw)
    raw["evaluators"]["lit_efficientnet"]["train"] = {"family": "siglip_regnet", "seed": 8, "fold": 2, "folds": 3}
    validate_config(raw)


TRAINED = {
    "clip_resnet": ("reward", {"family": "clip_resnet", "seed": 1, "fold": 0, "folds": 3}),
    "clip_bit": ("monitor", {"family": "clip_bit", "seed": 2, "fold": 1, "folds": 3}),
    "lit_efficientnet": ("held_out", {"family": "siglip_regnet", "seed": 3, "fold": 2, "folds": 3}),
}


def trained(**changes: dict) -> dict:
    """The default configuration with evaluators that the run trains, some of their settings changed."""
    evaluators = {
        name: {"role": role, "train": training | changes.get(name, {})} for name, (role, training) in TRAINED.items()
    }
    return changed("evaluators", evaluators)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"lit_efficientnet": {"family": "clip_bit"}},
            r"'clip_bit' \(monitor\) .* \(held_out\) are both of the family",
        ),
        ({"clip_bit": {"fold": 0}}, r"'clip_resnet' .* 'clip_bit' .* the same images, chest_xray \(fold 0 of 3\) and"),
        (
            {"clip_bit": {"fold": 0, "folds": 1}},
            r"'clip_resnet' .* 'clip_bit' .* chest_xray \(fold 0 of 3\) and chest_",
        ),
        (
            {"clip_bit": {"fold": 3, "folds": 6}},
            r"the same images, .* and chest_xray \(fold 3 of 6\) .take another fold",
        ),
        ({"lit_efficientnet": {"seed": 1}}, r"'clip_resnet' .* 'lit_efficientnet' .* have the same origin, seed 1"),
    ],
)
def test_what_is_known_of_evaluators_of_two_roles_differs(changes, sentence):
    validate_config(trained())
    validate_config(trained(clip_bit={"fold": 4, "folds": 6}))  # a part of fold 1 of 3
    with pytest.raises(CraftError, match=sentence):
        validate_config(trained(**changes))


def test_three_evaluators_of_one_architecture_on_the_same_images_are_refused():
    alike = {"family": "clip_resnet", "fold": 0, "folds": 1}
    with pytest.raises(CraftError, match=r"of the family clip_resnet .* learned from the same images, chest_xray and"):
        validate_config(trained(**{name: alike | {"seed": seed} for seed, name in enumerate(TRAINED)}))


def test_what_others_published_is_compared_as_far_as_it_is_declared():
    hub = {"loader": "transformers", "role": "held_out", "path": "some/hub_id"}
    raw = changed("evaluators.lit_efficientnet", hub)
    validate_config(raw)
    raw["evaluators"]["lit_efficientnet"] |= {"family": "ViT-B/16", "training_data": ["PMC-15M"], "origin": "Microsoft"}
    raw["evaluators"]["clip_bit"] = {"role": "monitor", "path": "some/other_hub_id", "family": "SigLIP"}
    validate_config(raw)
    for key, value, sentence in (
        ("family", "vit-b/16", "both of the family vit-b/16"),
        ("training_data", ["MIMIC-CXR", "pmc-15m"], "learned from the same images, pmc-15m and PMC-15M"),
        ("origin", "microsoft", "have the same origin, microsoft"),
    ):
        raw["evaluators"]["clip_bit"] = {"role": "monitor", "path": "some/other_hub_id", key: value}
        with pytest.raises(CraftError, match=f"'clip_bit' .monitor. and 'lit_efficientnet' .held_out. .*{sentence}"):
            validate_config(raw)


def test_held_out_evaluators_may_be_alike():
    raw = trained()
    raw["evaluators"]["further"] = raw["evaluators"]["lit_efficientnet"] | {
        "train": TRAINED["lit_efficientnet"][1] | {"seed": 9}
    }
    assert "further" in validate_config(raw).evaluators


def test_what_is_known_of_a_model_is_not_declared():
    raw = trained()
    raw["evaluators"]["clip_bit"]["family"] = "another"
    with pytest.raises(CraftError, match=r"evaluators.clip_bit.*`family` is known of a model that the run trains"):
        validate_config(raw)


def test_a_run_says_what_is_known_of_its_judges():
    raw = changed("evaluators.lit_efficientnet", {"role": "held_out", "path": "some/hub_id", "family": "ViT-B/16"})
    judges = {judge.name: judge for judge in resolve_jobs(validate_config(raw))[SETTINGS].judges}
    assert list(judges) == [*raw["evaluators"], *raw["encoders"]]
    assert judges["lit_efficientnet"].unknown == ["training_data", "origin"]
    assert str(judges["clip_bit"].training_data[0]) == "chest_xray (fold 1 of 3)"
    assert judges["clip_bit"].origin == "seed 2" and judges["clip_bit"].unknown == []


def test_any_number_of_evaluators_can_be_held_out():
    raw = changed("evaluators.another", {"role": "held_out", "path": "some/hub_id"})
    raw["evaluators"]["further"] = {"role": "held_out", "path": "some/other_hub_id"}
    jobs = resolve_jobs(validate_config(raw))
    names = [ref.name for ref in jobs["fundus/settings/measure_fidelity.yaml"].features]
    assert names == ["lit_efficientnet", "another", "further", "efficientnet_lite0"]
    assert len(jobs["fundus/settings/calibrate_cas.yaml"].evaluators) == 5
    raw["evaluators"]["further"]["path"] = "some/hub_id"
    with pytest.raises(CraftError, match=r"'another' .* 'further' .* have the same path .* would count twice"):
        validate_config(raw)


def test_features_are_those_of_held_out_encoders_and_evaluators_unless_others_are_named():
    config = validate_config(DEFAULT)
    net = FeaturesRef(name="efficientnet_lite0", role="held_out", unit=False)
    assert config.held_out_features() == config.memorization_features() == net
    assert [ref.name for ref in config.fidelity_features()] == ["lit_efficientnet", "efficientnet_lite0"]
    raw = changed("fidelity", {"evaluators": ["anatomy_bit", "clip_bit"]})
    config = validate_config(raw | {"memorization": {"features": "anatomy_bit"}})
    assert [ref.name for ref in config.fidelity_features()] == ["clip_bit", "anatomy_bit"]
    assert config.memorization_features() == FeaturesRef(name="anatomy_bit", role="monitor", unit=False)


def test_two_encoders_trained_alike_are_one_model():
    training = {"tower": "bit", "seed": 7, "fold": 1, "folds": 3}
    raw = changed("encoders.anatomy_bit", {"role": "monitor", "train": training})
    raw["encoders"]["efficientnet_lite0"] = {"role": "held_out", "train": training}
    with pytest.raises(CraftError, match=r"the encoders 'anatomy_bit' .* are trained with the same settings"):
        validate_config(raw)
    raw["encoders"]["efficientnet_lite0"]["train"] = {"tower": "regnet", "seed": 8, "fold": 2, "folds": 3}
    validate_config(raw)
    raw["encoders"]["efficientnet_lite0"]["train"] |= {"tower": "bit"}
    with pytest.raises(CraftError, match=r"the encoders 'anatomy_bit' .* are both of the family bit"):
        validate_config(raw)


ENCODER = {"role": "held_out", "path": "data/models/encoder-anatomy_bit"}


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("encoders.anatomy_bit.role", "held_out", "exactly one encoder has the role 'monitor', found 0"),
        ("encoders.another", ENCODER, "exactly one encoder has the role 'held_out', found 2"),
        ("encoders.efficientnet_lite0", ENCODER, "the encoders 'anatomy_bit' .* one model has two roles"),
        ("encoders.efficientnet_lite0.loader", "nobody", "there is no encoder loader 'nobody'"),
        ("encoders.anatomy_bit.train", {"tower": "bit", "seed": 1}, "either `path` or `train`"),
        ("encoders.anatomy_bit", {"role": "monitor", "train": {"tower": "vit", "seed": 1}}, "no vision tower 'vit'"),
    ],
)
def test_every_role_has_an_encoder_of_its_own(path, value, named):
    with pytest.raises(CraftError, match=named):
        validate_config(changed(path, value))


def test_without_the_section_the_encoders_are_the_released_ones_as_in_the_default_run():
    raw = {key: value for key, value in DEFAULT.items() if key != "encoders"}
    assert validate_config(raw) == validate_config(DEFAULT)


@pytest.mark.parametrize(
    "evaluator",
    [
        {"path": "data/models/evaluator-lit_efficientnet", "loader": "locked"},
        {"train": {"family": "lit_efficientnet", "seed": 5}, "loader": "locked"},
    ],
    ids=["released", "trained"],
)
def test_the_held_out_encoder_is_no_tower_of_what_gives_the_reward(evaluator):
    raw = changed("evaluators.clip_resnet", {"role": "reward"} | evaluator)
    raw["evaluators"]["lit_efficientnet"] = {"role": "held_out", "path": "some/hub_id"}
    named = "the encoder 'efficientnet_lite0' .held_out. is the image tower of the evaluator 'clip_resnet' .reward."
    with pytest.raises(CraftError, match=named):
        validate_config(raw)


def test_an_encoder_has_no_name_of_an_evaluator():
    raw = changed("encoders.clip_bit", DEFAULT["encoders"]["anatomy_bit"])
    del raw["encoders"]["anatomy_bit"]
    with pytest.raises(CraftError, match="both called 'clip_bit'; rename one of them"):
        validate_config(raw)


# what only makes, describes or measures; a rule that is not among them trains, selects or finds what trains
MEASURING = {
    *("prepare_images", "write_knowledge", "encode_images", "calibrate_cas", "score_images", "measure_fidelity"),
    *("measure_biomarkers", "audit_checklist", "find_neighbours", "check_validity", "train_classifier"),
    *("collect_tables", "check_models", "score_ablations", "collect_ablations", "make_gallery", "write_checklist"),
}


@pytest.mark.parametrize(
    "file", sorted([ROOT / "config.yaml", *(ROOT / "configs").glob("*.yaml")]), ids=lambda f: f.stem
)
def test_nothing_that_is_held_out_is_named_to_what_trains_or_selects(file):
    config = validate_config(yaml.safe_load(file.read_text()))
    held_out = {
        name
        for models in (config.evaluators, config.encoders)
        for name, model in models.items()
        if model.role == "held_out"
    }
    own = MEASURING | {f"{kind}-{name}" for kind in ("evaluator", "encoder") for name in held_out}
    choosing = [job for path, job in resolve_jobs(config).items() if Path(path).stem not in own]
    assert held_out and choosing
    for job in choosing:
        named = {name for ref in getattr(job, "evaluators", []) for name in (ref.name, ref.encoder.name)}
        assert not named & held_out and not any(name in job.to_yaml() for name in held_out)


@pytest.mark.parametrize("kind", ["evaluators", "encoders"])
def test_the_guard_sees_what_is_held_out_in_a_job_that_chooses(kind):
    """The test above can fail: a held-out judge in a training's settings is found in its YAML."""
    jobs = resolve_jobs(validate_config(DEFAULT))
    (training,) = [
        job for path, job in jobs.items() if path.endswith("fundus/craft/seed0/settings/finetune_reward.yaml")
    ]
    (held_out,) = [ref for ref in jobs["fundus/settings/score_images.yaml"].evaluators if ref.role == "held_out"]
    leaky = training.model_copy(update={"evaluators": [*training.evaluators, held_out]})
    name = held_out.name if kind == "evaluators" else held_out.encoder.name
    assert name in leaky.to_yaml() and name not in training.to_yaml()


def test_a_missing_key_is_named():
    raw = copy.deepcopy(DEFAULT)
    del raw["foundation"]
    with pytest.raises(CraftError, match="the key `foundation` is missing"):
        validate_config(raw)


def test_several_seeds_are_not_given_the_same_images():
    raw = changed("methods.gan", {"kind": "images", "path": "gan/{dataset}"}) | {"seeds": [0, 3]}
    with pytest.raises(CraftError, match=r"the same images for each seed of 0, 3; .* `path: gan/{dataset}/{seed}`"):
        validate_config(raw)
    raw["methods"]["gan"]["path"] = "gan/{dataset}/{seed}"
    config = validate_config(raw)
    reader = config.methods["gan"].reader("fundus", config.datasets["fundus"], 3, config.resolution)
    assert (reader.path, reader.labels) == ("gan/fundus/3", config.datasets["fundus"].labels)


def test_a_learning_rate_without_a_point_is_a_number():
    raw = changed("methods.lora_enriched.training", {"learning_rate": yaml.safe_load("1e-4")})
    assert validate_config(raw).methods["lora_enriched"].training.learning_rate == 1e-4


def test_raw_labels_written_as_numbers_are_words():
    dataset = {"modality": "fundus", "reader": "image_folder", "path": "x", "labels": ["a", "b"]}
    read = validate_config(changed("datasets", {"x": dataset | {"label_names": {0: "a", 1: "b"}}})).datasets["x"]
    assert read.label_names == {"0": "a", "1": "b"}
    with pytest.raises(CraftError, match=r"`datasets\.x\.label_names`: .* between quotes"):
        validate_config(changed("datasets", {"x": dataset | {"label_names": {False: "a", True: "b"}}}))


def test_defaults_of_a_method_hold_where_its_section_is_written_in_part():
    method = {"kind": "reward", "start": "lora_enriched", "training": {"steps": 7}}
    training = validate_config(changed("methods.craft", method)).methods["craft"].training
    assert (training.steps, training.batch, training.learning_rate, training.warmup_steps) == (7, 12, 3e-3, 5)


def described(model, place="config") -> list[str]:
    """Keys of a settings model, and of those in it, that say nothing of themselves."""
    found = []
    for key, field in model.model_fields.items():
        found += [f"{place}.{key}"] * (not field.description)
        for inner in models_in(field.annotation, field.metadata):
            found += described(inner, f"{place}.{key}")
    return found


def models_in(annotation, metadata) -> list:
    """The settings models that a field can hold."""
    if hasattr(annotation, "__metadata__"):
        return models_in(annotation.__origin__, [*metadata, *annotation.__metadata__])
    chosen = [model for entry in metadata if isinstance(entry, Chosen) for _, model in entry.registry.items()]
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        chosen.append(annotation)
    return chosen + [model for part in get_args(annotation) for model in models_in(part, [])]


def test_every_key_is_described():
    assert described(Config) == []


def test_schema_is_that_of_the_typed_configuration():
    assert (ROOT / SCHEMA).read_text() == schema_text(), "run `python -m craft.pipeline.schema`"


@pytest.mark.parametrize(
    "file", [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))], ids=lambda f: f.stem
)
def test_every_configuration_names_its_schema_for_editors(file):
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
    assert (file.parent / named[1]).resolve() == ROOT / SCHEMA


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("encoders", "encoders: "),
        ("evaluators.clip_bit", "clip_bit: {role: reward}"),
        ("foundation", "foundation: {path: "),
    ],
)
def test_what_is_no_section_is_told_with_the_keys_of_one(path, line):
    with pytest.raises(CraftError, match="it should be a section of keys, found 'a/b'") as told:
        validate_config(changed(path, "a/b"))
    assert f"`{line}" in str(told.value) and len(str(told.value)) <= LONG


def test_a_section_of_a_name_is_told_with_what_it_needs_and_not_with_all_others():
    with pytest.raises(CraftError) as told:
        validate_config(changed("encoders", RELEASED | {"resnet": "a/b"}))
    assert "`resnet: {role: reward}`" in str(told.value) and len(str(told.value)) <= LONG
