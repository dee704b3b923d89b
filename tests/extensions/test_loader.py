"""A user's own loaders: models in a format of their own are read by the jobs that use them, and see as they did."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_model
from tiny import tiny_judge, tiny_knowledge

from craft.core.images import image_row
from craft.reward.features import compute_features
from craft.reward.judge import Judge

CODE = '''
"""Loaders of weights alone, whose architecture is known."""

from pathlib import Path

from safetensors.torch import load_model
from tiny import tiny_encoder, tiny_evaluator

from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.loaders import LOADERS


@LOADERS.register("toy")
def load(path, device="cpu"):
    evaluator = tiny_evaluator()
    load_model(evaluator.model, Path(path) / "weights.safetensors")
    return evaluator.to(device)


@ENCODER_LOADERS.register("toy")
def load_encoder(path, device="cpu"):
    encoder = tiny_encoder()
    load_model(encoder.model, Path(path) / "encoder.safetensors")
    return encoder.to(device)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, judge = tmp_path_factory.mktemp("models"), tiny_judge(seed=1)
    save_model(judge.evaluator.model, str(folder / "weights.safetensors"))
    save_model(judge.encoder.model, str(folder / "encoder.safetensors"))
    return folder


@pytest.fixture(scope="module")
def jobs(resolve, folder):
    held_out = {"role": "held_out", "loader": "toy", "path": str(folder)}
    return resolve(evaluators={"lit_efficientnet": held_out}, encoders={"efficientnet_lite0": held_out})


def test_the_jobs_that_name_the_models_depend_on_the_file_and_no_training_does(jobs, dependents):
    rules = ("encode_images", "calibrate_cas", "score_images", "check_validity")
    assert dependents(jobs) == {f"dermoscopy/settings/{rule}.yaml" for rule in rules}


def test_features_are_computed_with_what_it_loads(jobs):
    encode = jobs["dermoscopy/settings/encode_images.yaml"]
    ref = next(ref for ref in encode.evaluators if ref.loader == "toy")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    rows = [image_row(image, label="nevus", split="calibration", origin="noise") for image in pixels]
    inputs = [pd.DataFrame(rows)], tiny_knowledge(), ref
    loaded, original = (compute_features(each, *inputs) for each in (Judge.load(ref), tiny_judge(seed=1)))
    assert set(loaded) == set(original) and {f"{ref.name}/images", f"{ref.encoder.name}/images"} <= set(loaded)
    assert all(torch.equal(loaded[key], original[key]) for key in original)
