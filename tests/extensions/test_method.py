"""A user's own kind of method: trained by the rule that it names, from the settings that the configuration became."""

import numpy as np
import pytest
import torch
from tiny import tiny_foundation, tiny_knowledge

from craft.core.errors import CraftError
from craft.core.images import image_row, write_images
from craft.core.rows import write_rows
from craft.models.foundation import Foundation
from craft.pipeline.config import validate_config
from craft.training.results import read_history
from craft.training.settings import MethodJob

CODE = '''
"""A kind of method whose adapter is one number."""

from typing import ClassVar, Literal

from craft.core.images import read_images
from craft.models.foundation import Foundation
from craft.training.methods import METHODS
from craft.training.methods.base import MethodSettings, Trained


@METHODS.register("toy")
class ToyMethod(MethodSettings):
    rule: ClassVar = "train_adapter"

    kind: Literal["toy"]
    number: float

    def train(self, job, files, checkpoints, device):
        foundation = Foundation.load(job.foundation.path, device=device)
        parameters = foundation.add_adapter(
            rank=1, alpha=1, target_modules=["to_q"], convolutions=False, text_encoder=False
        )
        for parameter in parameters:
            parameter.data.fill_(self.number)
        return Trained(foundation, [{"step": 1, "loss": float(len(read_images(files.images, "train")))}])
'''
JOB = "dermoscopy/toy/seed0/settings/train_adapter.yaml"
TOY = {"kind": "toy", "number": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What an adapter is trained from: image table, latents, knowledge and foundation."""
    folder, foundation, rng = tmp_path_factory.mktemp("dataset"), tiny_foundation(), np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 32, 32, 3), np.uint8)
    rows = [image_row(image, label="nevus", split="train", origin="noise") for image in pixels]
    write_images(folder / "images.parquet", rows)
    latents = torch.randn(len(rows), *foundation.latent_shape)
    write_rows(folder / "latents.safetensors", [row["image_id"] for row in rows], {"latents": latents})
    (folder / "knowledge.yaml").write_text(tiny_knowledge().to_yaml())
    foundation.save(folder / "foundation")
    return folder


@pytest.fixture(scope="module")
def jobs(resolve, folder):
    return resolve(resolution=32, foundation={"path": str(folder / "foundation")}, methods={"toy": TOY})


def test_its_training_alone_depends_on_the_file(jobs, dependents):
    assert dependents(jobs) == {JOB}


def test_a_key_that_it_does_not_have_gets_a_sentence(configure):
    with pytest.raises(CraftError, match=r"unknown key `methods\.toy\.promts`; write `prompts`"):
        validate_config(configure(methods={"toy": TOY | {"promts": "plain"}}))


def test_a_reward_method_can_start_from_it(configure):
    craft = {"kind": "reward", "start": "toy"}
    assert validate_config(configure(methods={"toy": TOY, "craft": craft})).methods["craft"].start == "toy"


def test_the_rules_script_trains_it(jobs, results, folder, run_job, tmp_path):
    files = {"images": "images.parquet", "latents": "latents.safetensors", "knowledge": "knowledge.yaml"}
    options = [part for key, name in files.items() for part in (f"--{key}", folder / name)]
    adapter, history = tmp_path / "adapter", tmp_path / "history.parquet"
    run_job("train_adapter", results / JOB, *options, "--adapter", adapter, "--history", history)
    assert MethodJob.load(adapter / "settings.yaml") == jobs[JOB]
    assert read_history(history)["loss"].tolist() == [6.0]
    weights = Foundation.load(jobs[JOB].foundation.path, adapter=adapter).adapter_parameters()
    assert weights and all((weight == 0.5).all() for weight in weights)
