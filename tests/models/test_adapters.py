"""Adapters: unknown layers are refused, files are equal from run to run, and any program reads them alike."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors import safe_open
from safetensors.torch import load_file
from tiny import tiny_foundation

from craft.core.errors import CraftError
from craft.models.adapters import ADAPTER_FILE
from craft.models.foundation import Foundation


def save_fresh(folder: Path) -> None:
    """Save a new adapter; the source of this function is run by other processes too."""
    import torch
    from tiny import tiny_foundation

    foundation = tiny_foundation()
    torch.manual_seed(0)
    foundation.add_adapter(rank=2, alpha=4, text_encoder=True, convolutions=True)
    foundation.save_adapter(folder)


def trained(**lora) -> Foundation:
    """A foundation whose adapter changes what it makes."""
    foundation = tiny_foundation()
    torch.manual_seed(0)
    for parameter in foundation.add_adapter(**lora):
        torch.nn.init.normal_(parameter, std=0.2)
    return foundation


def predict(unet) -> torch.Tensor:
    states = torch.ones(1, 48, 32)
    with torch.no_grad():
        return unet(torch.ones(1, 4, 8, 8), torch.tensor(10), encoder_hidden_states=states).sample


@pytest.mark.parametrize("targets", [["q_proj"], ["to_q", "q_proj"], ["norm1"], ["o_q"]])
def test_layers_that_are_not_there_are_refused(targets):
    with pytest.raises(CraftError, match=rf"`lora.target_modules`: the UNet.* no .*'{targets[-1]}'.*to_out.0"):
        tiny_foundation().add_adapter(target_modules=targets)


@pytest.mark.parametrize("alpha", [1, 2, 8])
def test_plain_diffusers_and_programs_that_read_no_alpha_take_the_same_update(alpha, tmp_path):
    foundation = trained(rank=2, alpha=alpha, text_encoder=True, convolutions=True)
    expected, untouched = predict(foundation.unet), predict(tiny_foundation().unet)
    foundation.save_adapter(tmp_path / "adapter")
    tiny_foundation().save(tmp_path / "pipeline")
    pipeline = StableDiffusionPipeline.from_pretrained(tmp_path / "pipeline", safety_checker=None)
    pipeline.load_lora_weights(tmp_path / "adapter")
    assert torch.allclose(predict(pipeline.unet), expected, atol=2e-2 * expected.abs().max())
    plain = tiny_foundation().unet
    with safe_open(tmp_path / "adapter" / ADAPTER_FILE, "pt") as file, torch.no_grad():
        for key in file.keys():  # noqa: SIM118, the handle is no dictionary
            if key.startswith("unet.") and "lora_A" in key:
                down, up = file.get_tensor(key), file.get_tensor(key.replace("lora_A", "lora_B"))
                weight = plain.get_submodule(key.removeprefix("unet.").removesuffix(".lora_A.weight")).weight
                weight += torch.einsum("orhw,riuv->oiuv", up, down) if up.ndim == 4 else up @ down
    assert torch.allclose(predict(plain), expected, atol=1e-4)
    assert not torch.allclose(untouched, expected, atol=1e-2)


def test_an_adapter_goes_on_from_its_files_as_it_was(tmp_path):
    foundation = trained(rank=2, alpha=4)
    foundation.save_adapter(tmp_path / "first")
    tiny_foundation().save(tmp_path / "pipeline")
    again = Foundation.load(str(tmp_path / "pipeline"), adapter=tmp_path / "first")
    again.save_adapter(tmp_path / "second")
    with safe_open(tmp_path / "second" / ADAPTER_FILE, "pt") as file:
        told = json.loads(file.metadata()["lora_adapter_metadata"])
    assert (told["unet.r"], told["unet.lora_alpha"]) == (2, 2)
    first, second = (load_file(tmp_path / name / ADAPTER_FILE) for name in ("first", "second"))
    assert set(first) == set(second) and all(torch.equal(first[key], second[key]) for key in first)


def test_the_files_of_an_adapter_are_equal_byte_for_byte_in_every_process(tmp_path):
    save_fresh(tmp_path / "here")
    for seed in ("1", "2"):
        paths = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(paths), "OMP_NUM_THREADS": "1", "PATH": ""}
        code = f"from pathlib import Path\n{inspect.getsource(save_fresh)}\nsave_fresh(Path({str(tmp_path / seed)!r}))"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=240, env=environment)
    here, first, second = ((tmp_path / name / ADAPTER_FILE).read_bytes() for name in ("here", "1", "2"))
    assert here == first == second


def test_an_adapter_of_another_unet_gets_a_sentence(tmp_path):
    trained(rank=2).save_adapter(tmp_path / "adapter")
    pipeline = tiny_foundation().pipeline
    pipeline.unet = type(pipeline.unet).from_config(pipeline.unet.config, block_out_channels=(16, 64))
    pipeline.save_pretrained(tmp_path / "pipeline")
    with pytest.raises(CraftError, match=r"no adapter can be loaded from \S+: "):
        Foundation.load(str(tmp_path / "pipeline"), adapter=tmp_path / "adapter")
