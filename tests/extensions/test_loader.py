"""A user's own loader: an evaluator in a format of its own is read by the jobs that use it, and sees as it did."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_model
from tiny import tiny_evaluator, tiny_knowledge

from craft.core.images import image_row
from craft.models.evaluators import load_evaluator
from craft.reward.features import compute_features

CODE = '''
"""A loader of weights alone, whose architecture is known."""

from pathlib import Path

from safetensors.torch import load_model
from tiny import tiny_evaluator

from craft.models.loaders import LOADERS


@LOADERS.register("toy")
def load(path, device="cpu"):
    evaluator = tiny_evaluator()
    load_model(evaluator.model, Path(path) / "weights.safetensors")
    return evaluator.to(device)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluator")
    save_model(tiny_evaluator(seed=1).model, str(folder / "weights.safetensors"))
    return folder


@pytest.fixture(scope="module")
def jobs(resolve, folder):
    return resolve(evaluators={"siglip_regnet": {"role": "held_out", "loader": "toy", "path": str(folder)}})


def test_the_jobs_that_name_the_evaluator_depend_on_the_file_and_no_training_does(jobs, dependents):
    rules = ("encode_images", "calibrate_cas", "score_images", "check_validity", "measure_fidelity")
    assert dependents(jobs) == {f"dermoscopy/settings/{rule}.yaml" for rule in rules}


def test_features_are_computed_with_what_it_loads(jobs):
    encode = jobs["dermoscopy/settings/encode_images.yaml"]
    ref = next(ref for ref in encode.evaluators if ref.loader == "toy")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    rows = [image_row(image, label="nevus", split="calibration", origin="noise") for image in pixels]
    inputs = pd.DataFrame(rows), tiny_knowledge(), ref.name
    loaded, original = (compute_features(each, *inputs) for each in (load_evaluator(ref), tiny_evaluator(seed=1)))
    assert set(loaded) == set(original) and f"{ref.name}/images" in loaded
    assert all(torch.equal(loaded[key], original[key]) for key in original)
