"""The kinds of methods: each trains its adapter from the files that its rule hands over."""

import pandas as pd
import pytest
import torch
from drawn import LOOP, all_files_of, files_of, make_dataset, make_job

from craft.core.errors import CraftError
from craft.core.images import read_images
from craft.models.foundation import Foundation
from craft.reward.dimensions import DIMENSIONS
from craft.training.results import CHECK_COLUMNS, read_history
from craft.training.settings import MethodJob
from craft.training.supervised import RealImages, choose_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    make_dataset(folder)
    return folder


def train_supervised(folder, output):
    """A supervised adapter below `output`."""
    loop = LOOP | {"learning_rate": 1e-2}
    job = make_job(folder, {"kind": "supervised", "prompts": "plain", "lora": {"rank": 2}, "training": loop})
    trained = job.training.train(job, files_of(folder), output / "checkpoints", "cpu")
    trained.save(job, output / "adapter", output / "history.parquet")
    return job


def test_a_supervised_method_trains_from_its_files_and_its_adapter_loads(folder, tmp_path):
    job = train_supervised(folder, tmp_path)
    assert MethodJob.load(tmp_path / "adapter" / "settings.yaml") == job
    assert read_history(tmp_path / "history.parquet")["step"].tolist() == [1, 2]
    loaded = Foundation.load(job.foundation.path, adapter=tmp_path / "adapter")
    assert any(weight.abs().sum() > 0 for weight in loaded.adapter_parameters()[1::2])


def test_a_reward_method_trains_from_its_files_and_leaves_the_images_of_its_checks(folder, tmp_path):
    train_supervised(folder, tmp_path)
    guard = {"every": 1, "images": 4, "min_diversity": 0, "max_shift": 99, "patience": 9}
    guard |= {"min_plausibility": 0}
    job = make_job(folder, {"kind": "reward", "start": "m", "training": LOOP, "guard": guard})
    files = all_files_of(folder, start=tmp_path / "adapter")
    assert files.present() == [*all_files_of(folder).present(), tmp_path / "adapter"]
    trained = job.training.train(job, files, tmp_path / "reward", "cpu")
    assert [row["step"] for row in trained.history] == [0, 1, 2]
    assert set(DIMENSIONS) <= set(trained.history[1]) and len(trained.pictures) == 3
    assert tuple(trained.checks.columns) == CHECK_COLUMNS and len(trained.checks) == 3 * 4
    short = make_job(folder, {"kind": "reward", "start": "m", "training": LOOP | {"steps": 1}, "guard": guard})
    again = short.training.train(short, files, tmp_path / "again", "cpu")
    assert again.history[1]["loss"] == trained.history[1]["loss"]


def test_latents_are_joined_by_image_id_and_never_by_position(folder, tmp_path):
    frame = read_images(folder / "images.parquet", "train")
    images = RealImages.load(folder / "latents.safetensors", frame)
    turned = RealImages.load(folder / "latents.safetensors", frame.iloc[::-1])
    assert torch.equal(images.latents, turned.latents.flip(0))
    assert images.names == ["nevus", "melanoma"] and turned.names == ["melanoma", "nevus"]
    stranger = pd.concat([frame, frame.iloc[:1].assign(image_id="stranger")])
    with pytest.raises(CraftError, match="does not hold the image 'stranger'"):
        RealImages.load(folder / "latents.safetensors", stranger)


def test_fewer_images_of_every_label_are_among_more_of_them(folder):
    frame = read_images(folder / "images.parquet", "train")
    one, two, again = (choose_images(frame, count, "skin", 0) for count in (1, 2, 2))
    assert one["label"].value_counts().to_dict() == {"nevus": 1, "melanoma": 1}
    assert set(one["image_id"]) < set(two["image_id"]) < set(frame["image_id"])
    assert two.equals(again) and two.index.is_monotonic_increasing
    assert choose_images(frame, None, "skin", 0) is frame and choose_images(frame, 10_000, "skin", 0).equals(frame)
    drawn = {tuple(choose_images(frame, 1, "skin", seed)["image_id"]) for seed in range(8)}
    assert len(drawn) > 1, "every seed saw the same images"


def test_a_supervised_method_is_shown_as_many_real_images_as_it_asks_for(folder, tmp_path, monkeypatch):
    shown = []
    load = RealImages.load
    monkeypatch.setattr(RealImages, "load", lambda latents, frame: shown.append(frame) or load(latents, frame))
    few = {"kind": "supervised", "prompts": "plain", "images_per_label": 1, "training": LOOP}
    job = make_job(folder, few)
    job.training.train(job, all_files_of(folder), tmp_path / "few", "cpu")
    assert shown[0]["label"].value_counts().to_dict() == {"nevus": 1, "melanoma": 1}
