"""A user's own family of evaluators: a run trains one from scratch, and it is saved and read like the others."""

import numpy as np
import pytest
import torch
from tiny import tiny_knowledge, tiny_ref

from craft.core.images import image_row, write_images
from craft.models.evaluators import load_evaluator
from craft.training.corpus import Corpus
from craft.training.evaluator import train_evaluator

CODE = '''
"""A family of two residual blocks and one layer of text."""

from craft.models.texts import text_config
from craft.models.families import FAMILIES
from craft.models.families.base import Family


def configure(training, tokenizer):
    from transformers import ResNetConfig

    width = training.width
    sizes = [width // 2, width]
    vision = ResNetConfig(
        embedding_size=sizes[0], hidden_sizes=sizes, hidden_size=width, depths=[1, 1], layer_type="basic"
    )
    return vision, text_config(tokenizer, width, 1)


FAMILIES.register("toy")(Family(configure, sigmoid=True))
'''
JOB = "models/settings/evaluator-lit_efficientnet.yaml"


@pytest.fixture(scope="module")
def jobs(resolve):
    training = {"family": "toy", "seed": 3, "fold": 2, "folds": 3, "steps": 2, "batch": 4, "width": 32}
    return resolve(resolution=32, evaluators={"lit_efficientnet": {"role": "held_out", "train": training}})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    """Eight images of noise and the knowledge of their two labels."""
    folder, rng = tmp_path_factory.mktemp("corpus"), np.random.default_rng(0)
    rows = [
        image_row(rng.integers(0, 256, (32, 32, 3), np.uint8), label=label, split="train", origin="noise")
        for label in ["nevus", "melanoma"] * 4
    ]
    write_images(folder / "images.parquet", rows)
    (folder / "knowledge.yaml").write_text(tiny_knowledge().to_yaml())
    return Corpus.load([folder / "images.parquet"], [folder / "knowledge.yaml"], "train")


def test_the_training_of_its_evaluator_alone_depends_on_the_file(jobs, dependents):
    assert dependents(jobs) == {JOB}


def test_it_is_trained_saved_and_loaded(jobs, corpus, tmp_path):
    job = jobs[JOB]
    evaluator, metrics = train_evaluator(job.training, corpus, job.resolution, tmp_path / "checkpoints")
    assert len(evaluator.model.vision_model.encoder.stages) == 2 and np.isfinite(metrics["final_loss"])
    ref = tiny_ref("toy", "held_out", tmp_path)
    evaluator.save(ref.path)
    loaded = load_evaluator(ref)
    images = corpus.tensor(np.arange(3))
    assert loaded.encode_images(images).shape == (3, 32)
    assert torch.allclose(loaded.encode_images(images), evaluator.encode_images(images), atol=1e-2)
