"""Downstream classifiers on simple images whose brightness tells the label."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from fake_results import LABELS
from in_process import run_script

from craft.core.errors import CraftError
from craft.core.images import decode_images, read_images, write_images
from craft.core.rows import write_rows
from craft.core.settings import ImageSet
from craft.evaluation.downstream.arms import Arm
from craft.evaluation.downstream.classify import compare_arms
from craft.evaluation.downstream.results import COLUMNS, PREDICTIONS
from craft.evaluation.downstream.settings import DownstreamJob, DownstreamSettings
from craft.evaluation.settings import FeaturesRef

DOWNSTREAM = DownstreamSettings(
    backbones=["encoder", "scratch"], seeds=[0, 1], strength=1.0, epochs=8, batch=8, learning_rate=5e-3
)
SETS = [ImageSet(method="craft", seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def job():
    labels = LABELS["chest"]
    return DownstreamJob(
        dataset="chest",
        labels=labels,
        methods=["craft"],
        seeds=[0, 1],
        encoder=FeaturesRef(name="net", role="held_out", unit=False),
        generated=SETS,
        downstream=DOWNSTREAM,
    )


@pytest.fixture(scope="module")
def files(fake_run, tmp_path_factory):
    """The files that the rule hands over; the features are the grey levels of a few places."""
    folder = fake_run[0] / "chest"
    generated = [folder / each.method / f"seed{each.seed}/images.parquet" for each in SETS]
    images, features = [folder / "images.parquet", *generated], []
    for number, path in enumerate(images):
        table = read_images(path)
        features.append(tmp_path_factory.mktemp("features") / f"{number}.safetensors")
        levels = torch.from_numpy(decode_images(table)[:, ::4, ::4, 0].reshape(len(table), -1) / 255)
        write_rows(features[-1], table["image_id"].to_list(), {"net/images": levels})
    return {"images": images[0], "features": features[0], "generated": generated, "embeddings": features[1:]}


@pytest.fixture(scope="module")
def predictions(job, files):
    return compare_arms(job, **files)


def test_every_arm_and_seed_predicts_every_test_image_once(predictions, files):
    assert tuple(predictions.columns) == COLUMNS
    test = read_images(files["images"], "test")
    arms = ["real", "craft", "real+craft"]
    assert list(predictions["method"].unique()) == arms
    assert list(predictions["backbone"].unique()) == ["net", "scratch"]
    assert predictions.groupby(["backbone", "method", "seed"]).ngroups == 2 * len(arms) * 2
    for _, rows in predictions.groupby(["backbone", "method", "seed"]):
        assert rows["image_id"].to_list() == test["image_id"].to_list()
        assert np.allclose(np.stack(rows["probabilities"].to_list()).sum(axis=1), 1)


def test_classifiers_learn_what_the_images_show(predictions):
    accuracy = (predictions["label"] == predictions["predicted"]).groupby(
        [predictions["backbone"], predictions["method"]]
    )
    assert (accuracy.mean() > 0.8).all(), accuracy.mean()


def with_one_seed(job: DownstreamJob, **changes) -> DownstreamJob:
    changes = {"seeds": DOWNSTREAM.seeds[:1]} | changes
    return job.model_copy(update={"downstream": DOWNSTREAM.model_copy(update=changes)})


def test_the_same_settings_give_the_same_predictions(predictions, job, files):
    again = compare_arms(with_one_seed(job), **files)
    first = predictions[predictions["seed"] == DOWNSTREAM.seeds[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, again)


def test_images_of_a_generator_seed_that_no_classifier_is_paired_with_are_not_read(job, files, tmp_path, monkeypatch):
    monkeypatch.setattr("craft.evaluation.downstream.classify.list_arms", lambda methods, ratios: [Arm(method="craft")])
    unread = {"generated": [files["generated"][0], tmp_path / "nowhere.parquet"]}
    found = compare_arms(with_one_seed(job), **files | unread)
    assert found["method"].unique().tolist() == ["craft"]
    with pytest.raises(CraftError, match="no image table"):
        compare_arms(job, **files | unread)


def test_fewer_files_than_image_sets_are_one_sentence(job, files):
    for option in ("generated", "embeddings"):
        with pytest.raises(CraftError, match=f"name 2 image sets, but `--{option}` gives 1 files"):
            compare_arms(job, **files | {option: files[option][:1]})


def test_without_a_network_neither_torch_nets_nor_pixels_are_touched(job, files, tmp_path):
    with_one_seed(job, backbones=["encoder"]).save(tmp_path / "settings.yaml")
    code = f"""
import sys
from pathlib import Path
from craft.evaluation.downstream.classify import compare_arms
from craft.evaluation.downstream.settings import DownstreamJob
job = DownstreamJob.load("{tmp_path}/settings.yaml")
files = { ({key: list(map(str, value)) if isinstance(value, list) else str(value) for key, value in files.items()})!r}
files = {{key: list(map(Path, each)) if isinstance(each, list) else Path(each) for key, each in files.items()}}
compare_arms(job, **files)
assert not {{"transformers", "craft.evaluation.downstream.classifier"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_images_of_an_unknown_label_are_errors(job, files, tmp_path):
    frame = read_images(files["images"]).assign(label="unheard")
    write_images(tmp_path / "images.parquet", frame.to_dict("records"))
    with pytest.raises(CraftError, match="'unheard'"):
        compare_arms(job, **files | {"images": tmp_path / "images.parquet"})


def test_script_writes_what_the_library_finds(predictions, job, files, tmp_path):
    with_one_seed(job).save(tmp_path / "settings.yaml")
    options = ["--images", files["images"], "--features", files["features"]]
    options += ["--predictions", tmp_path / "downstream.parquet"]
    options += [text for name in ("generated", "embeddings") for path in files[name] for text in (f"--{name}", path)]
    assert run_script("train_classifier", tmp_path / "settings.yaml", *options).returncode == 0
    written = PREDICTIONS.load(tmp_path / "downstream.parquet")
    first = predictions[predictions["seed"] == DOWNSTREAM.seeds[0]].reset_index(drop=True)
    assert written[list(COLUMNS[:6])].equals(first[list(COLUMNS[:6])])


def test_what_no_seed_changes_is_trained_once_for_a_generator_seed(predictions, job, files):
    one = {name: files[name][:1] for name in ("generated", "embeddings")}
    found = compare_arms(job.model_copy(update={"seeds": [0], "generated": SETS[:1]}), **files | one)
    assert found.groupby("backbone")["seed"].unique().map(list).to_dict() == {"net": [0], "scratch": [0, 1]}
    assert predictions.groupby("backbone")["seed"].nunique().to_dict() == {"net": 2, "scratch": 2}
