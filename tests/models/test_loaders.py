"""Loaders of models from the hub: what their folders do not say is told in a sentence, or read from the model."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import save_file
from tiny import TEXTS, tiny_encoder, tiny_evaluator

from craft.core.errors import CraftError
from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.evaluators import ImageTextEvaluator
from craft.models.loaders import LOADERS
from craft.models.tokenizer import count_positions, fit_tokenizer, train_tokenizer

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
OPEN_CLIP = {
    "model_cfg": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8},
        "text_cfg": {"context_length": 48, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]},
}


def edit(file: Path, drop: tuple[str, ...] = (), **changes) -> None:
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in content.items() if key not in drop}))


def hub_folder(shape: str, folder: Path) -> Path:
    """A small CLIP or SigLIP with 48 positions, whose tokenizer knows no window."""
    torch.manual_seed(0)
    tokenizer, small = train_tokenizer(TEXTS), {"hidden_size": 32, "intermediate_size": 32}
    small |= {"num_hidden_layers": 1, "num_attention_heads": 2}
    text = small | {"vocab_size": len(tokenizer), "max_position_embeddings": 48, "projection_size": 32}
    text |= {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config, model = {"clip": ("CLIPConfig", "CLIPModel"), "siglip": ("SiglipConfig", "SiglipModel")}[shape]
    vision = small | {"image_size": 32, "patch_size": 8}
    built = getattr(transformers, model)(getattr(transformers, config)(text_config=text, vision_config=vision))
    ImageTextEvaluator(built, tokenizer, 32, [0.5] * 3, [0.5] * 3).save(folder)
    edit(folder / "tokenizer_config.json", drop=("model_max_length",))
    return folder


@pytest.mark.parametrize("shape", ["clip", "siglip"])
def test_texts_are_cut_to_the_positions_of_the_tower_where_the_tokenizer_knows_no_window(shape, tmp_path):
    evaluator = LOADERS["transformers"](str(hub_folder(shape, tmp_path)))
    with pytest.warns(UserWarning, match="reads 48 tokens and cuts"):
        embeddings = evaluator.encode_texts([*TEXTS, "a long text " * 60])
    assert evaluator.window == 48 and torch.isfinite(embeddings).all()


def test_positions_behind_that_of_padding_are_counted():
    config = transformers.RobertaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    assert count_positions(transformers.RobertaModel(config)) == [config.max_position_embeddings - 2]


def test_a_window_that_nothing_tells_and_a_tokenizer_that_cannot_pad_get_a_sentence():
    tokenizer = train_tokenizer(TEXTS, window=int(1e30))
    with pytest.raises(CraftError, match='"model_max_length": 77'):
        fit_tokenizer(tokenizer, torch.nn.Identity())
    tokenizer.pad_token = None
    with pytest.raises(CraftError, match="no token to pad with"):
        fit_tokenizer(tokenizer, torch.nn.Identity())


@pytest.mark.parametrize("load", [LOADERS["transformers"], ENCODER_LOADERS["transformers"]], ids=["text", "vision"])
@pytest.mark.parametrize("key", ["image_mean", "image_std", "size"])
def test_preprocessing_that_is_not_told_gets_a_sentence(load, key, tmp_path):
    (tiny_evaluator() if load is LOADERS["transformers"] else tiny_encoder()).save(tmp_path)
    edit(tmp_path / "preprocessor_config.json", drop=(key,))
    with pytest.raises(CraftError, match=f"preprocessor_config.json (has no `{key}`|tells no side)"):
        load(str(tmp_path))


def test_images_that_a_model_takes_unscaled_are_not_scaled(tmp_path):
    tiny_evaluator().save(tmp_path)
    edit(tmp_path / "preprocessor_config.json", drop=("image_mean", "image_std"), do_normalize=False)
    evaluator = LOADERS["transformers"](str(tmp_path))
    assert evaluator.mean.flatten().tolist() == [0, 0, 0] and evaluator.std.flatten().tolist() == [1, 1, 1]


@pytest.mark.parametrize("load", [LOADERS["transformers"], LOADERS["open_clip"], ENCODER_LOADERS["transformers"]])
def test_a_mistyped_folder_is_not_taken_for_a_hub_model(load):
    with pytest.raises(CraftError, match=r"no model folder data/modles|open_clip is not installed"):
        load("data/modles")


def open_clip_folder(folder: Path) -> Path:
    (folder / "open_clip_config.json").write_text(json.dumps(OPEN_CLIP))
    return folder


def test_a_folder_of_open_clip_names_its_loader(tmp_path):
    with pytest.raises(CraftError, match="it holds a model of open_clip; write `loader: open_clip`"):
        LOADERS["transformers"](str(open_clip_folder(tmp_path)))


def test_a_missing_open_clip_is_named_with_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(CraftError, match=r"open_clip is not installed; run `pip install -e '\.\[evaluators\]'`"):
        LOADERS["open_clip"](str(open_clip_folder(tmp_path)))


def test_a_folder_of_open_clip_loads_and_sees_as_open_clip_does(tmp_path):
    open_clip = pytest.importorskip("open_clip", reason="the extra `evaluators` is not installed")
    model = OPEN_CLIP["model_cfg"]
    torch.manual_seed(0)
    built = open_clip.model.CLIP(**model).eval()
    torch.save(built.state_dict(), open_clip_folder(tmp_path) / "open_clip_pytorch_model.bin")
    with pytest.raises(CraftError, match=r"it has no weights open_clip_\*\.safetensors, and no others are read"):
        LOADERS["open_clip"](str(tmp_path))
    save_file(built.state_dict(), tmp_path / "open_clip_model.safetensors")
    evaluator = LOADERS["open_clip"](str(tmp_path))
    assert (evaluator.size, evaluator.window) == (32, 48) and evaluator.scale == built.logit_scale.exp()
    tokens = open_clip.SimpleTokenizer(context_length=48)(TEXTS)
    mean, std = (torch.tensor(OPEN_CLIP["preprocess_cfg"][key]).view(3, 1, 1) for key in ("mean", "std"))
    assert torch.allclose(evaluator.encode_texts(TEXTS), built.encode_text(tokens, normalize=True), atol=1e-5)
    seen = built.encode_image((IMAGES - mean) / std, normalize=True)
    assert torch.allclose(evaluator.encode_images(IMAGES), seen, atol=1e-5)
    with pytest.warns(UserWarning, match="reads 48 tokens and cuts this text of"):
        evaluator.encode_texts(["a long text " * 60])


def test_saved_evaluators_and_encoders_take_float32_in_plain_transformers(tmp_path):
    tiny_evaluator().save(tmp_path / "evaluator")
    tiny_encoder().save(tmp_path / "encoder")
    for folder in (tmp_path / "evaluator", tmp_path / "encoder"):
        model = transformers.AutoModel.from_pretrained(folder)
        assert model.dtype == torch.float32
    assert torch.isfinite(model(IMAGES).pooler_output).all()
