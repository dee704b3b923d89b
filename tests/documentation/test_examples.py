"""The examples of docs/extending.md: each is loaded through `extensions`, validated in a configuration, and run."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import nothing_loaded
from PIL import Image
from tiny import tiny_foundation, tiny_knowledge

from craft.core.images import image_row, write_images
from craft.core.rows import write_rows
from craft.models.settings import ModelRef
from craft.pipeline.config import Config, validate_config
from craft.pipeline.jobs import resolve_jobs
from craft.reward.cas import RawScores
from craft.reward.evidence import Evidence, ImageFeatures, LabelTexts
from craft.reward.rewards import REWARDS
from craft.reward.rewards.base import Seen
from craft.training.methods.base import MethodFiles

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.py"))


def configure(raw: dict, name: str, job: str) -> Config:
    """The validated configuration, whose given job depends on the code of the example."""
    config = validate_config(raw | {"extensions": [f"docs/examples/{name}.py"]})
    assert f"docs/examples/{name}.py" in resolve_jobs(config)[job].modules
    return config


def run_reward(raw: dict, folder: Path) -> None:
    """Two images: one with a weak dimension among those that count, and one without."""
    raw["methods"]["craft"]["objective"] = {"reward": "weakest", "weights": {"checklist": 1, "alignment": 1}}
    config = configure(raw, "reward", "fundus/craft/seed0/settings/finetune_reward.yaml")
    values = torch.tensor([[0.9, 0.1, 0.2, 0.8], [0.9, 0.9, 0.9, 0.9]], requires_grad=True)
    names = ["checklist", "alignment", "specificity", "plausibility"]
    features = ImageFeatures(torch.zeros(2, 4), torch.zeros(2, 6))
    seen = Seen(torch.zeros(2, 3, 8, 8), torch.tensor([0, 1]), features, values, names)
    worth = REWARDS["weakest"](seen, config.methods["craft"].objective)
    worth.sum().backward()
    assert 0.1 <= worth[0] < 0.11
    assert worth[1] == 0.9
    assert values.grad[0, 1] > 0.9
    assert (values.grad[:, 2:] == 0).all()


def run_reader(raw: dict, folder: Path) -> None:
    """Two patients, and a file of a label that is not configured."""
    for name in ("17/nevus-1.png", "17/melanoma-2.png", "18/nevus-1.png", "18/wart-1.png"):
        (folder / "skin" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), "red").save(folder / "skin" / name)
    skin = {"reader": "patient_folders", "modality": "dermoscopy", "path": "skin", "labels": ["nevus", "melanoma"]}
    raw["datasets"]["skin"] = skin
    dataset = configure(raw, "reader", "skin/settings/prepare_images.yaml").datasets["skin"]
    images = dataset.read()
    assert [(each.label, each.group) for each in images] == [("melanoma", "17"), ("nevus", "17"), ("nevus", "18")]
    assert images[0].load(16)[0].shape == (16, 16, 3)
    assert len(dataset.watched_files()) == 4


def run_dimension(raw: dict, folder: Path) -> None:
    """Two labels whose reference images point into two directions."""
    config = configure(raw, "dimension", "fundus/settings/calibrate_cas.yaml")
    assert list(config.methods["craft"].objective.weights)[-1] == "neighbourhood"
    axes = torch.eye(4)
    texts = [LabelTexts(axes[:2], axes[:1], axes[1:2], torch.ones(1)) for _ in range(2)]
    scores = RawScores(Evidence(texts, [axes[:1], axes[1:2]], scale=1.0, neighbours=1))
    assert scores.names[-1] == "neighbourhood"
    assert scores(ImageFeatures(axes[:2].clone(), 2 * axes[:2]), torch.tensor([0, 0]))[:, -1].tolist() == [1.0, -1.0]


def run_method(raw: dict, folder: Path) -> None:
    """Two steps of a tiny model on images of noise."""
    careless = {"kind": "mislabelled", "prompts": "plain", "share": 0.5, "training": {"steps": 2, "batch": 2}}
    raw["methods"]["careless"] = careless
    name = "fundus/careless/seed0/settings/train_adapter.yaml"
    job, foundation = resolve_jobs(configure(raw, "method", name))[name], tiny_foundation()
    rng, knowledge = np.random.default_rng(0), tiny_knowledge()
    rows = [
        image_row(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8), label=label, split="train", origin="noise")
        for label in knowledge.labels
        for _ in range(4)
    ]
    files = MethodFiles(folder / "images.parquet", folder / "latents.safetensors", folder / "knowledge.yaml")
    write_images(files.images, rows)
    latents = torch.randn(len(rows), *foundation.latent_shape)
    write_rows(files.latents, [row["image_id"] for row in rows], {"latents": latents})
    files.knowledge.write_text(yaml.safe_dump(knowledge.model_dump(mode="json")))
    foundation.save(folder / "foundation")
    job = job.model_copy(update={"foundation": ModelRef(path=str(folder / "foundation")), "resolution": 32})
    trained = job.training.train(job, files, folder / "checkpoints", "cpu")
    assert [row["step"] for row in trained.history] == [1, 2]


RUNS = {"reward": run_reward, "reader": run_reader, "dimension": run_dimension, "method": run_method}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_loaded_and_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("CRAFT_DATA", str(tmp_path))
    # the examples change the method that is ablated
    raw = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"ablations": None}
    with nothing_loaded():
        RUNS[path.stem](raw, tmp_path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_shown(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= (20 if path.stem == "reward" else 50)
    assert path.read_text().strip() in (ROOT / "docs/extending.md").read_text()
