"""Copies of one model under two names: found before a run where files tell it, and within it by what was loaded."""

from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from in_process import run_script
from safetensors.torch import load_file, save_file
from tiny import save_judge, tiny_encoder, tiny_evaluator, tiny_judge, tiny_knowledge, tiny_ref

from craft.core.errors import CraftError
from craft.core.files import write_text
from craft.core.images import image_row, write_images
from craft.models.copies import describe_copy
from craft.models.encoders import PooledModel, VisionEncoder
from craft.models.evaluators import load_evaluator
from craft.models.loaded import LoadedModels, digest_weights
from craft.reward.settings import EncodeJob

WEIGHTS = "model.safetensors"


def rewrite(folder: Path, how: str) -> None:
    """Write the weights of a saved evaluator again, so that no file has the same bytes."""
    state = load_file(folder / WEIGHTS)
    if how == "float32":
        save_file({name: tensor.float() for name, tensor in state.items()}, folder / WEIGHTS, {"format": "pt"})
    else:
        model = load_evaluator(tiny_ref(folder.name, "reward", folder.parent)).model.half()
        (folder / WEIGHTS).unlink()
        model.save_pretrained(folder, max_shard_size="20KB")
        assert len(list(folder.glob("*.safetensors"))) > 1


@pytest.mark.parametrize("how", ["float32", "shards"])
def test_the_weights_tell_a_copy_whose_files_do_not(how, tmp_path):
    evaluator = tiny_evaluator()
    for name in ("first", "second"):
        evaluator.save(tmp_path / name)
    assert describe_copy(str(tmp_path / "first"), str(tmp_path / "second"))
    rewrite(tmp_path / "second", how)
    assert describe_copy(str(tmp_path / "first"), str(tmp_path / "second")) is None
    models = LoadedModels()
    models.add("first", "reward", load_evaluator(tiny_ref("first", "reward", tmp_path)))
    second = load_evaluator(tiny_ref("second", "held_out", tmp_path))
    with pytest.raises(CraftError, match=r"'first' \(reward\) and 'second' \(held_out\) hold the same weights"):
        models.add("second", "held_out", second)


def test_a_tower_that_two_roles_share_is_found():
    one, two = tiny_evaluator(seed=0), tiny_evaluator(seed=1)
    two.model.text_model.load_state_dict(one.model.text_model.state_dict())
    models = LoadedModels()
    models.add("one", "reward", one)
    with pytest.raises(
        CraftError, match=r"the text tower of 'one' \(reward\) and the text tower of 'two' \(held_out\)"
    ):
        models.add("two", "held_out", two)


def test_an_evaluator_s_image_tower_is_no_held_out_encoder():
    evaluator = tiny_evaluator()
    size, half = evaluator.size, [0.5] * 3
    encoder = VisionEncoder(PooledModel(evaluator.model.vision_model), size, half, half, evaluator.model.vision_model)
    models = LoadedModels()
    models.add("e", "reward", evaluator)
    models.add("own", "reward", encoder)
    with pytest.raises(CraftError, match=r"the image tower of 'e' \(reward\) and 'v' \(held_out\)"):
        models.add("v", "held_out", encoder)


def test_different_models_and_one_model_in_one_role_pass():
    models = LoadedModels()
    for seed, role in enumerate(("reward", "monitor", "held_out")):
        judge = tiny_judge(seed=seed)
        models.add(f"e{seed}", role, judge.evaluator)
        models.add(f"v{seed}", role, judge.encoder)
    models.add("again", "held_out", judge.evaluator)


def test_the_digest_follows_numbers_alone():
    encoder, changed = tiny_encoder(), tiny_encoder()
    assert digest_weights(encoder) == digest_weights(changed) == digest_weights(encoder.network)
    with torch.no_grad():
        next(changed.parameters()).view(-1)[0] += 1
    assert digest_weights(encoder) != digest_weights(changed)
    assert digest_weights(torch.nn.ReLU()) is None


def test_a_hub_id_and_its_local_copy_are_one_model(tmp_path, monkeypatch):
    """The cache of the hub as a download leaves it; no network is asked."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    repository = tmp_path / "cache/models--some--model"
    tiny_evaluator().save(tmp_path / "copy")
    assert describe_copy("some/model", str(tmp_path / "copy")) is None
    tiny_evaluator().save(repository / "snapshots/abc")
    write_text(repository / "refs/main", "abc")
    assert "have the same weights in 'some/model'" in describe_copy("some/model", str(tmp_path / "copy"))
    assert "have the same path" in describe_copy("some/model", str(repository / "snapshots/abc"))
    assert describe_copy("some/model", "some/other") is None


def test_no_image_is_encoded_with_one_model_in_two_roles(tmp_path):
    refs = [tiny_ref("first", "reward", tmp_path), tiny_ref("second", "held_out", tmp_path)]
    for ref, judge in zip(refs, (tiny_judge(), tiny_judge(tower="bit", seed=1)), strict=True):
        save_judge(judge, ref)
    tiny_evaluator().save(tmp_path / "second")
    rewrite(tmp_path / "second", "float32")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    write_images(
        tmp_path / "images.parquet",
        [image_row(image, label="nevus", split="calibration", origin="noise") for image in pixels],
    )
    write_text(tmp_path / "knowledge.yaml", tiny_knowledge().to_yaml())
    job = EncodeJob(dataset="skin", foundation={"path": "nowhere"}, evaluators=refs)
    write_text(tmp_path / "job.yaml", job.to_yaml())
    options = {
        "images": "images.parquet",
        "knowledge": "knowledge.yaml",
        "latents": "l",
        "features": "f",
        "decoded": "d",
    }
    places = [part for name, file in options.items() for part in (f"--{name}", str(tmp_path / file))]
    done = run_script("encode_images", tmp_path / "job.yaml", *places)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "'first' (reward) and 'second' (held_out) hold the same weights" in done.stderr
    assert not any((tmp_path / name).exists() for name in "lfd")
