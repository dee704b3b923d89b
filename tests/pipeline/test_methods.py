"""Methods as data: what a section of the configuration means for the jobs of a method, with no rule of its own."""

import copy
from pathlib import Path

import pytest
import yaml

from craft.core.errors import CraftError
from craft.core.identity import source_closure
from craft.pipeline.config import Config, validate_config
from craft.pipeline.jobs import resolve_jobs
from craft.training.methods.base import budget, model_of

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def configure(**methods) -> Config:
    """The default run with further methods."""
    raw = copy.deepcopy(DEFAULT)
    raw["methods"] |= methods
    return validate_config(raw)


def steps_of(config: Config, method: str) -> int:
    """Steps of a method's training, as its job is told them."""
    return resolve_jobs(config)[f"fundus/{method}/seed0/settings/train_adapter.yaml"].training.training.steps


def test_a_circle_is_named_whole_and_in_the_order_in_which_its_methods_start_from_each_other():
    method = {"kind": "supervised", "prompts": "plain"}
    with pytest.raises(CraftError, match=r"methods: (a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c) is a circle"):
        configure(a=method | {"start": "b"}, b=method | {"start": "c"}, c=method | {"start": "a"})


def test_a_method_of_its_own_sampling_is_sampled_so_and_all_others_as_the_run_says():
    own = {"scheduler": "euler", "steps": 5, "guidance_scale": 1.5}
    jobs = resolve_jobs(configure(other={"kind": "foundation", "sampling": own}))
    sampling = {
        name: jobs[f"fundus/{name}/seed0/settings/generate_images.yaml"].sampling.model_dump()
        for name in ("other", "foundation", "craft")
    }
    assert sampling == {"other": own, "foundation": DEFAULT["sampling"], "craft": DEFAULT["sampling"]}


def test_images_come_from_the_nearest_adapter_that_a_method_starts_from():
    child = {"kind": "supervised", "prompts": "plain"}
    config = configure(
        best={"kind": "best_of_n", "start": "craft"},
        best_of_nothing={"kind": "best_of_n", "start": "foundation"},
        child=child | {"start": "best"},
    )
    made = {name: model_of(name, config.methods) for name in ("best", "best_of_nothing", "child", "craft")}
    assert made == {"best": "craft", "best_of_nothing": None, "child": "child", "craft": "craft"}
    assert model_of(config.methods["child"].start, config.methods) == "craft"


def test_only_a_method_that_chooses_is_told_of_the_reward_evaluator_when_it_makes_images():
    jobs = resolve_jobs(configure(best={"kind": "best_of_n", "start": "lora_enriched", "count": 3}))
    best, craft = (jobs[f"fundus/{name}/seed0/settings/generate_images.yaml"] for name in ("best", "craft"))
    assert [ref.role for ref in best.evaluators] == ["reward"] and best.selection.count == 3
    assert {"craft.training.methods.best_of_n", "craft.reward.rewards.weighted_mean"} <= set(best.modules)
    assert (craft.evaluators, craft.selection, craft.modules) == ([], None, [])


def test_best_of_n_prompts_and_samples_as_what_it_chooses_from_unless_it_says_otherwise():
    sampling = {"scheduler": "ddim", "steps": 3, "guidance_scale": 1.0}
    config = configure(
        parent={"kind": "supervised", "prompts": "plain", "sampling": sampling},
        best={"kind": "best_of_n", "start": "parent"},
        enriched={"kind": "best_of_n", "start": "best", "prompts": "enriched"},
    )
    jobs = resolve_jobs(config)
    made = [jobs[f"fundus/{name}/seed0/settings/generate_images.yaml"] for name in ("best", "enriched")]
    assert [job.prompts for job in made] == ["plain", "enriched"]
    assert [job.sampling.model_dump() for job in made] == [sampling, sampling]


def test_a_matched_training_takes_the_steps_that_the_whole_budget_of_the_other_pays_for():
    matched = {"kind": "supervised", "prompts": "plain", "match": "craft"}
    config = configure(matched=matched, longer=matched | {"start": "lora_enriched"})
    whole = budget("craft", config.methods, config.sampling)
    craft, start = config.methods["craft"], config.methods["lora_enriched"]
    assert whole == craft.evaluations(config.sampling) + start.evaluations(config.sampling)
    per_step = 3 * config.methods["matched"].training.batch
    assert steps_of(config, "matched") == whole // per_step
    before = budget("lora_enriched", config.methods, config.sampling)
    assert steps_of(config, "longer") == (whole - before) // per_step
    for name in ("matched", "longer"):
        assert whole - per_step < budget(name, config.methods, config.sampling) <= whole


def test_a_matched_training_without_anything_left_to_spend_is_refused():
    small = {"kind": "supervised", "prompts": "plain", "training": {"steps": 1, "batch": 1}}
    matched = {"kind": "supervised", "prompts": "plain", "match": "small"}
    with pytest.raises(CraftError, match=r"methods\.matched\.match is 'small', whose 3 .* pay for no step"):
        configure(small=small, matched=matched)
    with pytest.raises(CraftError, match=r"methods\.matched\.match is 'lora_enriched', from which it starts"):
        configure(matched=matched | {"match": "lora_enriched", "start": "lora_enriched"})


def test_a_reward_method_that_is_a_baseline_is_compared_as_one():
    settings = resolve_jobs(
        configure(
            alignprop={"kind": "reward", "start": "lora_enriched", "baseline": True},
            dpo={"kind": "dpo", "start": "lora_enriched"},
        )
    )["tables/settings/collect_tables.yaml"]
    assert settings.rewarded == ["craft"]
    assert settings.baselines == ["foundation", "lora_enriched", "alignprop", "dpo"]
    assert settings.is_trained("craft") and not settings.is_trained("foundation")
    assert settings.trainings["craft"] == ["craft", "lora_enriched"] and settings.trainings["foundation"] == []


def test_a_method_sees_all_reward_evaluators_or_those_that_it_names():
    raw = copy.deepcopy(DEFAULT)
    raw["evaluators"]["second"] = {"role": "reward", "path": "some/model"}
    raw["methods"]["one"] = {"kind": "rwr", "start": "lora_enriched", "reward": {"evaluators": ["second"]}}
    raw["methods"]["best"] = {"kind": "best_of_n", "start": "lora_enriched"}
    jobs = resolve_jobs(validate_config(raw))
    files = {"craft": "finetune_reward", "one": "finetune_reward", "best": "generate_images"}
    seen = {
        name: [ref.name for ref in jobs[f"fundus/{name}/seed0/settings/{file}.yaml"].evaluators]
        for name, file in files.items()
    }
    assert seen == {
        "craft": ["clip_resnet", "clip_bit", "second"],
        "one": ["clip_bit", "second"],
        "best": ["clip_resnet", "second"],
    }


def test_a_supervised_method_with_a_guard_is_shown_the_monitor_and_one_without_depends_on_no_reward():
    watched = {"kind": "full", "prompts": "plain", "guard": {"every": 100}}
    jobs = resolve_jobs(configure(watched=watched))
    job = jobs["fundus/watched/seed0/settings/finetune_reward.yaml"]
    assert [ref.role for ref in job.evaluators] == ["monitor"] and "craft.training.watch" in job.modules
    plain = jobs["fundus/lora_enriched/seed0/settings/train_adapter.yaml"]
    closure = source_closure("train_adapter", plain.modules)
    assert not [file for file in closure if file.endswith(("reward/cas.py", "training/watch.py", "training/guard.py"))]
