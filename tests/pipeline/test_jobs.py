"""From the configuration to jobs: what each is told, and which settings files a change rewrites."""

import copy
from pathlib import Path

import yaml

from craft.core.settings import DECODED, ImageSet
from craft.evaluation.results import SETTINGS
from craft.pipeline.config import validate_config
from craft.pipeline.jobs import GALLERY_SETTINGS, resolve_jobs, write_settings
from craft.training.settings import GenerationJob, MethodJob

ROOT = Path(__file__).parents[2]
# variants of a method are tested in test_ablations
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"ablations": None}
DECODED_SET = ImageSet(method=DECODED, seed=0)


def test_a_reward_training_is_told_of_the_judges_that_reward_and_watch_it():
    jobs = [job for job in resolve_jobs(validate_config(DEFAULT)).values() if isinstance(job, MethodJob)]
    roles = {job.method: {ref.role for ref in job.evaluators} for job in jobs}
    watched = {"reward", "monitor"}
    assert roles == {"lora_enriched": set(), "rwr": watched, "alignprop": watched, "craft": watched}


def test_every_evaluator_is_paired_with_the_encoder_of_its_role():
    config = validate_config(DEFAULT)
    refs = resolve_jobs(config)["fundus/settings/score_images.yaml"].evaluators
    assert [(ref.name, ref.role, ref.encoder.name, ref.encoder.role) for ref in refs] == [
        ("clip_resnet", "reward", "anatomy_resnet", "reward"),
        ("clip_bit", "monitor", "anatomy_bit", "monitor"),
        ("lit_efficientnet", "held_out", "efficientnet_lite0", "held_out"),
    ]
    assert (refs[2].loader, refs[2].encoder.loader) == ("locked", "imagenet")
    assert refs[0].encoder.path == "data/models/encoder-anatomy_resnet"


def test_real_test_images_are_measured_decoded_too_but_no_method_is_trained_on_or_compared_with_them():
    jobs = resolve_jobs(validate_config(DEFAULT))
    decoded = {Path(name).stem for name, job in jobs.items() if DECODED_SET in getattr(job, "generated", ())}
    assert decoded == {"score_images", "measure_fidelity", "measure_biomarkers", "audit_checklist"}


def test_a_run_of_given_images_alone_has_no_generator_and_measures_nothing_decoded():
    jobs = resolve_jobs(validate_config(yaml.safe_load((ROOT / "configs/judge.yaml").read_text())))
    assert not [name for name, job in jobs.items() if isinstance(job, MethodJob | GenerationJob)]
    assert not [name for name, job in jobs.items() if DECODED_SET in getattr(job, "generated", ())]
    assert jobs["dermoscopy/settings/encode_images.yaml"].foundation is None
    assert {name for name in jobs if name.endswith("read_images.yaml")} == {
        f"dermoscopy/{method}/seed0/settings/read_images.yaml" for method in ("blurred", "mislabelled")
    }
    run = jobs[SETTINGS]
    assert (run.controls, run.given, run.compared) == (["real"], run.methods, run.methods)


def test_images_of_real_data_are_shown_only_where_a_key_allows_it_and_it_concerns_the_gallery_alone():
    raw = copy.deepcopy(DEFAULT)
    real = {"reader": "image_folder", "path": "mine", "modality": "fundus", "labels": ["no_dr", "proliferative_dr"]}
    jobs = []
    for allowed in ({}, {"show_images": True}):
        raw["datasets"]["fundus"] = real | allowed
        jobs.append(resolve_jobs(validate_config(raw)))
    phantoms = ["chest_xray", "dermoscopy", "histopathology"]
    assert jobs[0][GALLERY_SETTINGS].shown == phantoms
    assert set(jobs[1][GALLERY_SETTINGS].shown) == {*phantoms, "fundus"}
    changed = {name for name, job in jobs[1].items() if job.to_yaml() != jobs[0][name].to_yaml()}
    assert changed == {GALLERY_SETTINGS}, "a job of the data would run again"


def test_given_images_stand_beside_methods_of_the_run():
    raw = copy.deepcopy(DEFAULT)
    raw["methods"]["gan"] = {"kind": "images", "path": "gan/{dataset}"}
    jobs = resolve_jobs(validate_config(raw))
    assert jobs["fundus/gan/seed0/settings/read_images.yaml"].images.path == "gan/fundus"
    assert "fundus/gan/seed0/settings/generate_images.yaml" not in jobs
    assert ImageSet(method="gan", seed=0) in jobs["fundus/settings/score_images.yaml"].generated
    run = jobs[SETTINGS]
    assert (run.given, run.compared, run.baselines[-1]) == (["gan"], ["craft"], "gan")


def test_a_job_names_the_modules_that_it_finds_by_name_and_no_other():
    jobs = resolve_jobs(validate_config(DEFAULT))
    assert jobs["fundus/settings/prepare_images.yaml"].modules == ["craft.datasets.readers.phantom"]
    assert jobs["fundus/lora_enriched/seed0/settings/train_adapter.yaml"].modules == [
        "craft.training.methods.supervised"
    ]
    reward = jobs["fundus/craft/seed0/settings/finetune_reward.yaml"].modules
    assert reward[0] == "craft.training.methods.reward" and "craft.reward.rewards.weighted_mean" in reward
    assert jobs["fundus/settings/measure_fidelity.yaml"].modules == []
    encode = jobs["fundus/settings/encode_images.yaml"].modules
    assert {"craft.models.loaders.locked", "craft.models.encoder_loaders.imagenet"} <= set(encode)
    assert not {"craft.models.loaders.locked", "craft.models.encoder_loaders.imagenet"} & set(reward)


def test_signs_are_found_only_for_evaluators_that_the_run_trains():
    raw = copy.deepcopy(DEFAULT)
    assert not [name for name in resolve_jobs(validate_config(raw)) if "find_signs" in name]
    raw["evaluators"]["clip_bit"] = {
        "role": "monitor",
        "train": {"family": "clip_bit", "seed": 2, "fold": 1, "folds": 3},
    }
    found = resolve_jobs(validate_config(raw))
    assert {f"{name}/settings/find_signs.yaml" for name in raw["datasets"]} <= set(found)
    raw["audit"] = {"measured_per_method": 5}
    assert (
        resolve_jobs(validate_config(raw))["fundus/settings/find_signs.yaml"]
        == found["fundus/settings/find_signs.yaml"]
    )


def test_settings_survive_their_file(tmp_path):
    for name, job in write_settings(validate_config(DEFAULT | {"results": str(tmp_path)})).items():
        assert type(job).load(tmp_path / name) == job


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
