"""Ablations: methods that the configuration makes of one method, and the sentences that wrong variants get."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from craft.core.errors import CraftError
from craft.evaluation.results import SETTINGS
from craft.pipeline.ablations import lay_over
from craft.pipeline.config import Config, validate_config
from craft.pipeline.jobs import ABLATION_SETTINGS, resolve_jobs

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())
LEAVES = st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


def configure(variants: dict, of: str = "craft", **methods) -> Config:
    """The default run with further methods, and an ablation."""
    raw = copy.deepcopy(DEFAULT) | {"ablations": {"of": of, "variants": variants}}
    raw["methods"] |= methods
    return validate_config(raw)


@given(MAPPINGS, MAPPINGS)
def test_changes_stand_where_they_are_laid_and_nothing_else_moves(settings, changes):
    found = lay_over(settings, changes)
    for key in settings.keys() | changes.keys():
        if key not in changes:
            assert found[key] == settings[key]
        elif changes[key] is None:
            assert key not in found
        else:
            assert found[key] == lay_over(settings.get(key), changes[key])
    assert lay_over(found, changes) == found


def test_a_variant_is_the_method_with_its_changes_whatever_of_it_is_a_default():
    whole = configure(
        {
            "without_specificity": {"changes": {"objective": {"weights": {"specificity": None}}}},
            "last_step": {"changes": {"backprop": {"mode": "last", "rollout": None}}},
        }
    ).with_ablations()
    craft, made = whole.methods["craft"], whole.methods["craft_without_specificity"]
    assert set(made.objective.weights) == {"alignment", "checklist", "plausibility"}
    assert made.objective.model_copy(update={"weights": craft.objective.weights}) == craft.objective
    assert (made.training, made.guard, made.start) == (craft.training, craft.guard, "lora_enriched")
    assert (whole.methods["craft_last_step"].backprop.mode, craft.backprop.mode) == ("last", "direct")


def test_variants_that_change_their_start_alike_share_it_and_others_keep_that_of_the_method():
    small = {"lora": {"rank": 4, "alpha": 4}}
    whole = configure(
        {
            "rank_4": {"start_changes": small},
            "rank_4_unguarded": {"start_changes": small, "changes": {"guard": {"acts": False}}},
            "few": {"start_changes": {"images_per_label": 8}},
            "unguarded": {"changes": {"guard": {"acts": False}}},
        }
    ).with_ablations()
    starts = {name: whole.methods[f"craft_{name}"].start for name in ("rank_4", "rank_4_unguarded", "few", "unguarded")}
    assert list(starts.values()) == ["lora_enriched_rank_4"] * 2 + ["lora_enriched_few", "lora_enriched"]
    lora = whole.methods["lora_enriched_rank_4"].lora
    assert (lora.rank, lora.convolutions) == (4, True)
    assert whole.methods["lora_enriched_few"].images_per_label == 8


def test_a_start_that_is_a_method_of_the_run_is_not_trained_again():
    plain = DEFAULT["methods"]["lora_enriched"] | {"prompts": "plain"}
    whole = configure(
        {"plain": {"changes": {"prompts": "plain"}, "start_changes": {"prompts": "plain"}}}, lora=plain
    ).with_ablations()
    assert whole.methods["craft_plain"].start == "lora"
    assert set(whole.methods) == {*DEFAULT["methods"], "lora", "craft_plain"}


def test_the_run_itself_knows_nothing_of_its_ablation():
    variants = {"few": {"start_changes": {"images_per_label": 8}}}
    with_it, without = resolve_jobs(configure(variants)), resolve_jobs(validate_config(DEFAULT | {"ablations": None}))
    added = set(with_it) - set(without)
    assert {name: with_it[name] for name in without} == without
    assert {name.split("/")[1] for name in added} == {"craft_few", "lora_enriched_few", "settings"}
    rules = {Path(name).stem for name in added}
    assert rules == {"train_adapter", "finetune_reward", "generate_images", "score_ablations", "collect_ablations"}


def test_variants_are_scored_on_their_own_and_compared_with_the_method_alone():
    raw = copy.deepcopy(DEFAULT) | {"seeds": [0, 3]}
    jobs = resolve_jobs(validate_config(raw))
    names = [f"craft_{name}" for name in DEFAULT["ablations"]["variants"]]
    scored = jobs["fundus/settings/score_ablations.yaml"].generated
    assert [(each.method, each.seed) for each in scored] == [(name, seed) for name in names for seed in (0, 3)]
    compared = jobs[ABLATION_SETTINGS]
    assert (compared.methods, compared.seeds, compared.controls) == (["craft", *names], [0, 3], ["real"])
    assert compared.trainings["craft_without_anchor"] == ["craft_without_anchor", "lora_enriched"]
    assert compared.phrases["craft_without_anchor"] == "no anchor" and compared.features.name == "efficientnet_lite0"
    assert jobs[SETTINGS].methods == list(DEFAULT["methods"])


def test_a_variant_without_a_phrase_is_called_by_its_name():
    config = configure({"without_anchor": {"changes": {"objective": {"beta": 0}}}})
    assert config.ablations.phrases() == {"craft_without_anchor": "without anchor"}


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        ({"change": {}}, "unknown key `ablations.variants.it.change`; write `changes`"),
        (
            {"changes": {"objective": {"betta": 0}}},
            "unknown key `ablations.variants.it.changes.objective.betta`; write `beta`",
        ),
        (
            {"changes": {"objective": {"beta": -1}}},
            r"`ablations.variants.it.changes.objective.beta`: .* found -1; .* `beta: 0`",
        ),
        (
            {"changes": {"backprop": {"mode": "last"}}},
            "`ablations.variants.it.changes.backprop`: only `mode: direct` reads `rollout`",
        ),
        ({"changes": {"start": "nobody"}}, "ablations.variants.it.changes.start is 'nobody', which is no method"),
        (
            {"changes": {"objective": {"evaluators": ["clip_bit"]}}},
            "ablations.variants.it.changes names 'clip_bit', which is no evaluator of the role 'reward'",
        ),
        ({"changes": {"kind": "dpo"}}, "ablations.variants.it.changes changes the kind from 'reward' to 'dpo'; leave"),
        (
            {"start_changes": {"images_per_lable": 8}},
            "unknown key `ablations.variants.it.start_changes.images_per_lable`; write `images_per_label`",
        ),
        (
            {"start_changes": {"images_per_label": 0}},
            "`ablations.variants.it.start_changes.images_per_label`: .* `images_per_label: 1`",
        ),
        (
            {"changes": {"start": None}, "start_changes": {"prompts": "plain"}},
            "ablations.variants.it.start_changes: the variant starts from no method .* leave `start_changes` out",
        ),
        ({}, "ablations.variants.it changes nothing of 'craft'; remove it, or write for example"),
        ({"changes": {"objective": {"beta": 1.0}}}, "ablations.variants.it changes nothing of 'craft'"),
        ({"changes": [1]}, "`ablations.variants.it.changes`: .* a section of keys"),
        ({"what": ""}, "`ablations.variants.it.what`"),
    ],
)
def test_a_wrong_variant_ends_in_one_sentence_that_names_it(variant, sentence):
    with pytest.raises(CraftError, match=sentence) as failure:
        configure({"it": variant})
    assert "\n" not in str(failure.value) and "craft_it" not in str(failure.value)


def test_a_variant_that_would_be_called_like_a_method_is_refused():
    taken = {"kind": "foundation"}
    with pytest.raises(
        CraftError, match=r"makes a method 'craft_it', of which there is one already; rename the variant"
    ):
        configure({"it": {"changes": {"prompts": "plain"}}}, craft_it=taken)
    with pytest.raises(CraftError, match=r"it.start_changes makes a method 'lora_enriched_it', of which there is one"):
        configure({"it": {"start_changes": {"prompts": "plain"}}}, lora_enriched_it=taken)


def test_variants_that_a_figure_could_not_tell_apart_are_refused():
    changes = {"changes": {"prompts": "plain"}}
    with pytest.raises(CraftError, match=r"`ablations`: two variants are called 'plain' .* another `what`"):
        configure({"plain": changes, "other": changes | {"what": "plain"}})


def test_every_variant_that_the_documentation_shows_is_one():
    section = (ROOT / "docs/evaluation.md").read_text().split("## Ablations")[1].split("\n## ")[0]
    shown = re.findall(r"^\| ([^|]+) \| (?:`(.+?)`)? ?\| (?:`(.+?)`)? ?\|$", section, flags=re.MULTILINE)[1:]
    variants = {
        f"v{number}": {"changes": yaml.safe_load(changes or "{}"), "start_changes": yaml.safe_load(start or "{}")}
        for number, (_, changes, start) in enumerate(shown)
    }
    craft = DEFAULT["methods"]["craft"]
    whole = configure(variants, craft=craft | {"objective": craft["objective"] | {"gamma": 0.1}}).with_ablations()
    assert len(shown) == 13 and {f"craft_{name}" for name in variants} < set(whole.methods)


def test_a_run_without_the_varied_method_has_no_ablation():
    dropped = configure({"it": {"changes": {"prompts": "plain"}}}, of="nobody")
    assert dropped.ablated is None and dropped.with_ablations() is dropped
    assert not [name for name in resolve_jobs(dropped) if "ablation" in name]


@pytest.mark.parametrize("names", [{"of": "nobody", "against": ["real"]}, {"against": ["nobody"]}, {"datasets": ["x"]}])
def test_a_run_without_what_a_reader_study_shows_has_none(names):
    asked = {"of": "craft", "against": ["real"], "pairs_per_label": 1}
    assert validate_config(DEFAULT | {"reader_study": asked}).studied
    without = validate_config(DEFAULT | {"reader_study": asked | names})
    assert without.studied is None and not [name for name in resolve_jobs(without) if "study" in name]


def test_only_a_method_that_the_run_samples_can_be_varied():
    variants = {"it": {"changes": {"prompts": "plain"}}}
    with pytest.raises(CraftError, match=r"ablations\.of is 'gan', whose images another program made"):
        configure(variants, of="gan", gan={"kind": "images", "path": "gan/{dataset}"})
    with pytest.raises(CraftError, match=r"`ablations\.variants`: .* at least 1"):
        configure({})
