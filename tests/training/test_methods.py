"""The kinds of methods: each trains its adapter from the files that its rule hands over."""

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import save_judge, tiny_foundation, tiny_judge, tiny_knowledge, tiny_ref

from craft.core.errors import CraftError
from craft.core.files import write_json
from craft.core.images import decode_images, image_row, read_images, to_tensor, write_images
from craft.core.rows import write_rows
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.reward.cas import Logistic
from craft.reward.dimensions import DIMENSIONS
from craft.reward.features import calibration_to_json, compute_features, write_features
from craft.training.methods.base import MethodFiles
from craft.training.results import CHECK_COLUMNS, read_history
from craft.training.settings import MethodJob
from craft.training.supervised import RealImages

SPLITS = ["train"] * 8 + ["reference"] * 6 + ["calibration"] * 6
EVALUATORS = [("clip_resnet", "reward"), ("clip_bit", "monitor")]
LOOP = {"steps": 2, "batch": 4, "warmup_steps": 1, "checkpoint_every": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All that a dataset's methods are trained from: image table, latents, features, calibration, knowledge, models."""
    folder, rng = tmp_path_factory.mktemp("dataset"), np.random.default_rng(0)
    rows = [
        image_row(rng.integers(0, 256, (32, 32, 3), np.uint8), label=label, split=split, origin="drawn")
        for label, split in zip(["nevus", "melanoma"] * 10, SPLITS, strict=True)
    ]
    write_images(folder / "images.parquet", rows)
    (folder / "knowledge.yaml").write_text(tiny_knowledge().to_yaml())
    frame, knowledge = read_images(folder / "images.parquet"), Knowledge.load(folder / "knowledge.yaml")
    foundation = tiny_foundation()
    train = frame[frame["split"] == "train"]
    latents = foundation.encode_images(to_tensor(decode_images(train)))
    write_rows(folder / "latents.safetensors", train["image_id"].tolist(), {"latents": latents})
    foundation.save(folder / "foundation")
    entries = {}
    for number, (name, role) in enumerate(EVALUATORS):
        ref, judge = tiny_ref(name, role, folder), tiny_judge(family=name, seed=number)
        entries |= compute_features(judge, frame, knowledge, ref)
        save_judge(judge, ref)
    write_features(folder / "features.safetensors", frame, entries)
    fitted = Logistic(1.0, (0.0,) * len(knowledge.labels), 0.9, 6)
    maps = {name: dict.fromkeys(DIMENSIONS, fitted) for name, _ in EVALUATORS}
    write_json(folder / "calibration.json", calibration_to_json(maps, list(knowledge.labels)))
    return folder


def make_job(folder, training: dict, **changes) -> MethodJob:
    settings = {"dataset": "drawn", "method": "m", "seed": 0, "resolution": 32, "neighbours": 2}
    settings |= {"foundation": str(folder / "foundation"), "sampling": {"steps": 2, "guidance_scale": 2.0}}
    evaluators = [tiny_ref(name, role, folder).model_dump() for name, role in EVALUATORS]
    return MethodJob.model_validate(settings | {"evaluators": evaluators, "training": training} | changes)


def files_of(folder, **others) -> MethodFiles:
    names = {"images": "images.parquet", "latents": "latents.safetensors", "knowledge": "knowledge.yaml"}
    return MethodFiles(**{key: folder / name for key, name in names.items()}, **others)


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
    loaded = Foundation.load(job.foundation, adapter=tmp_path / "adapter")
    assert any(weight.abs().sum() > 0 for weight in loaded.adapter_parameters()[1::2])


def test_a_reward_method_trains_from_its_files_and_leaves_the_images_of_its_checks(folder, tmp_path):
    train_supervised(folder, tmp_path)
    guard = {"every": 1, "images": 4, "min_diversity": 0, "max_shift": 99, "patience": 9}
    guard |= {"min_plausibility": 0}
    job = make_job(folder, {"kind": "reward", "start": "m", "training": LOOP, "guard": guard})
    others = {
        key: folder / name for key, name in (("features", "features.safetensors"), ("calibration", "calibration.json"))
    }
    files = files_of(folder, start=tmp_path / "adapter", **others)
    assert files.present() == [*files_of(folder).present(), *others.values(), tmp_path / "adapter"]
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
