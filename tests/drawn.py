"""A drawn dataset with all that methods are trained from, tiny, for tests of their kinds."""

from pathlib import Path

import numpy as np
from tiny import save_judge, tiny_foundation, tiny_judge, tiny_knowledge, tiny_ref

from craft.core.files import write_json
from craft.core.images import decode_images, image_row, read_images, to_tensor, write_images
from craft.core.rows import write_rows
from craft.knowledge.schema import Knowledge
from craft.reward.cas import Logistic
from craft.reward.dimensions import DIMENSIONS
from craft.reward.features import calibration_to_json, compute_features, write_features
from craft.training.methods.base import MethodFiles
from craft.training.settings import MethodJob

SPLITS = ["train"] * 8 + ["reference"] * 6 + ["calibration"] * 6
EVALUATORS = [("clip_resnet", "reward"), ("clip_bit", "monitor")]
LOOP = {"steps": 2, "batch": 4, "warmup_steps": 1, "checkpoint_every": 1}


def make_dataset(folder: Path) -> None:
    """Image table, latents, features, calibration, knowledge and models below a folder."""
    rng = np.random.default_rng(0)
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
        entries |= compute_features(judge, [frame], knowledge, ref)
        save_judge(judge, ref)
    write_features(folder / "features.safetensors", frame, entries)
    fitted = Logistic(1.0, (0.0,) * len(knowledge.labels), 0.9, 6)
    maps = {name: dict.fromkeys(DIMENSIONS, fitted) for name, _ in EVALUATORS}
    write_json(folder / "calibration.json", calibration_to_json(maps, list(knowledge.labels)))


def make_job(folder, training: dict, **changes) -> MethodJob:
    """The job of a method on the dataset of `make_dataset`."""
    settings = {"dataset": "drawn", "method": "m", "seed": 0, "resolution": 32, "neighbours": 2}
    settings |= {"foundation": {"path": str(folder / "foundation")}, "sampling": {"steps": 2, "guidance_scale": 2.0}}
    evaluators = [tiny_ref(name, role, folder).model_dump() for name, role in EVALUATORS]
    return MethodJob.model_validate(settings | {"evaluators": evaluators, "training": training} | changes)


def files_of(folder, **others) -> MethodFiles:
    """The files that the rule `train_adapter` hands over, and others."""
    names = {"images": "images.parquet", "latents": "latents.safetensors", "knowledge": "knowledge.yaml"}
    return MethodFiles(**{key: folder / name for key, name in names.items()}, **others)


def all_files_of(folder, **others) -> MethodFiles:
    """Those that `finetune_reward` hands over, and others."""
    names = {"features": "features.safetensors", "calibration": "calibration.json"}
    return files_of(folder, **{key: folder / name for key, name in names.items()}, **others)
