"""Weights are whole or refused: missing tensors, NaN, changed files, pickles and code of a folder's own."""

import hashlib
import json
import shutil

import pytest
import torch
from runs import make_adapter
from safetensors.torch import load_file, save_file
from tiny import tiny_encoder, tiny_evaluator, tiny_foundation

from craft.core.errors import CraftError
from craft.core.files import write_json
from craft.models.encoders import load_tower
from craft.models.evaluators import ImageTextEvaluator
from craft.models.foundation import ADAPTER_FILE, Foundation
from craft.models.loaders.transformers import load as load_evaluator
from craft.models.provenance import PROVENANCE

LOADERS = {
    "evaluator": lambda path: load_evaluator(str(path)),
    "encoder": lambda path: load_tower(("transformers", str(path))),
    "foundation": lambda path: Foundation.load(str(path)),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One folder of each kind of model, and an adapter."""
    folder = tmp_path_factory.mktemp("models")
    for name, model in (
        ("evaluator", tiny_evaluator()),
        ("encoder", tiny_encoder()),
        ("foundation", tiny_foundation()),
    ):
        model.save(folder / name)
    shutil.move(make_adapter(tmp_path_factory.mktemp("adapter")), folder / "adapter")
    return folder


@pytest.fixture
def models(made, tmp_path):
    """Copies that a test may damage."""
    shutil.copytree(made, tmp_path / "models")
    return tmp_path / "models"


def weight_files(folder):
    return sorted(folder.rglob("*.safetensors"))


def change(path, edit) -> None:
    """Rewrite a safetensors file with edited tensors."""
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def drop_half(tensors) -> None:
    for name in sorted(tensors)[::2]:
        del tensors[name]


def drop_one(tensors) -> None:
    del tensors[max(tensors)]


def spoil(tensors) -> None:
    tensors[max(tensors)].view(-1)[0] = torch.nan


@pytest.mark.parametrize("edit", [drop_half, drop_one, spoil])
@pytest.mark.parametrize("kind", LOADERS)
def test_a_model_that_lacks_tensors_or_holds_nan_is_refused(models, kind, edit):
    for path in weight_files(models / kind):
        whole = path.read_bytes()
        change(path, edit)
        with pytest.raises(CraftError, match=r"missing or of another shape|no finite number"):
            LOADERS[kind](models / kind)
        path.write_bytes(whole)
    LOADERS[kind](models / kind)


@pytest.mark.parametrize("edit", [drop_half, drop_one, spoil])
def test_an_adapter_that_lacks_tensors_or_holds_nan_is_refused(models, edit):
    change(models / "adapter" / ADAPTER_FILE, edit)
    with pytest.raises(CraftError, match="no adapter can be loaded"):
        Foundation.load(str(models / "foundation"), adapter=models / "adapter")


class Payload:
    """What a pickle must not run."""

    def __reduce__(self):
        return open, ("pickle-was-run", "w")


@pytest.mark.parametrize("kind", LOADERS)
def test_pickles_are_not_read(models, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = weight_files(models / kind)[0]
    path.unlink()
    for name in ("pytorch_model.bin", "diffusion_pytorch_model.bin"):
        torch.save({"x": Payload()}, path.with_name(name))
    with pytest.raises(CraftError):
        LOADERS[kind](models / kind)
    assert not (tmp_path / "pickle-was-run").exists()


def test_an_adapter_under_a_pickles_name_is_not_read(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (models / "adapter" / ADAPTER_FILE).unlink()
    torch.save({"unet.x": Payload()}, models / "adapter" / "pytorch_lora_weights.bin")
    with pytest.raises(CraftError, match=r"holds neither pytorch_lora_weights\.safetensors"):
        Foundation.load(str(models / "foundation"), adapter=models / "adapter")
    assert not (tmp_path / "pickle-was-run").exists()


@pytest.mark.parametrize("kind", ["evaluator", "encoder"])
def test_a_folder_runs_no_code_of_its_own_and_asks_nothing(models, kind, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *asked: pytest.fail("standard input was asked"))
    file = models / kind / "config.json"
    config = json.loads(file.read_text()) | {"auto_map": {"AutoModel": "mine.Mine", "AutoConfig": "mine.Config"}}
    config["model_type"] = "mine"
    file.write_text(json.dumps(config))
    (models / kind / "mine.py").write_text("raise SystemExit('the code of the folder was run')")
    with pytest.raises(CraftError, match="can be loaded from"):
        LOADERS[kind](models / kind)


def list_files(folder) -> dict[str, str]:
    members = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in members}


@pytest.mark.parametrize("kind", LOADERS)
def test_files_that_provenance_does_not_list_so_are_refused(models, kind):
    folder = models / kind
    (folder / "README.md").write_text("as it was")
    write_json(folder / PROVENANCE, {"files": list_files(folder)})
    (folder / "README.md").write_text("people may write what they like here")
    LOADERS[kind](folder)
    change(weight_files(folder)[0], lambda tensors: tensors[max(tensors)].mul_(2))
    with pytest.raises(CraftError, match=f"is not the file that {PROVENANCE} lists"):
        LOADERS[kind](folder)
    weight_files(folder)[0].unlink()
    with pytest.raises(CraftError, match=f"lacks .*, which its {PROVENANCE} lists"):
        LOADERS[kind](folder)


def test_a_damaged_configuration_is_one_sentence(models):
    for name, text in (
        ("config.json", "{"),
        ("config.json", '{"model_type": 5}'),
        ("tokenizer.json", "[]"),
        ("preprocessor_config.json", '{"size": {"height": "x"}, "image_mean": [0.5], "image_std": null}'),
    ):
        file = models / "evaluator" / name
        whole = file.read_text()
        file.write_text(text)
        with pytest.raises(CraftError, match="no image-text evaluator can be loaded from"):
            load_evaluator(str(models / "evaluator"))
        file.write_text(whole)
    assert isinstance(load_evaluator(str(models / "evaluator")), ImageTextEvaluator)
