"""Finetuning: methods change only their adapter, and what they save loads into the same images."""

import pytest
import torch
from runs import SUPERVISED, make_adapter, reward_method, reward_run, supervised, weights
from safetensors.torch import load_file
from tiny import SMALL, tiny_foundation, tiny_knowledge

from craft.core.errors import CraftError
from craft.training.denoising import min_snr_weights
from craft.training.prompts import balanced_labels
from craft.training.sampler import generate
from craft.training.settings import ComputeSettings, LoraSettings, SamplingSettings
from craft.training.supervised import RealImages


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return make_adapter(tmp_path_factory.mktemp("adapter"))


def test_supervised_training_changes_the_adapter_and_nothing_else(tmp_path):
    before = {name: value.clone() for name, value in tiny_foundation().unet.state_dict().items()}
    foundation, history = supervised(tmp_path)
    after = {name.replace(".base_layer", ""): value for name, value in foundation.unet.state_dict().items()}
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert any(weight.abs().sum() > 0 for weight in weights(foundation)[1::2])
    assert [row["step"] for row in history] == [1, 2, 3, 4]


def test_an_interrupted_run_resumes_to_the_identical_adapter(tmp_path):
    whole, history = supervised(tmp_path / "whole")
    calls = []

    class Interrupted(RealImages):
        def draw(self, count, draws):
            calls.append(count)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return super().draw(count, draws)

    with pytest.raises(KeyboardInterrupt):
        supervised(tmp_path / "cut", images=Interrupted)
    resumed, resumed_history = supervised(tmp_path / "cut")
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    assert [row["loss"] for row in resumed_history] == [row["loss"] for row in history]


@pytest.mark.parametrize(
    "lora",
    [LoraSettings(rank=2), LoraSettings(rank=2, convolutions=True), LoraSettings(rank=2, text_encoder=True)],
    ids=["attention", "convolutions", "text encoder"],
)
def test_a_saved_adapter_loads_into_the_same_images(lora, tmp_path):
    foundation, _ = supervised(tmp_path / "run", SUPERVISED.model_copy(update={"lora": lora, "min_snr_gamma": 5.0}))
    foundation.save_adapter(tmp_path / "adapter")
    noise = torch.randn(1, *foundation.latent_shape, generator=torch.Generator().manual_seed(0))
    prompt = tiny_knowledge().labels["nevus"].prompt
    expected = generate(foundation, [prompt], noise, SamplingSettings(steps=2))
    fresh = tiny_foundation()
    untouched = generate(fresh, [prompt], noise, SamplingSettings(steps=2))
    fresh.pipeline.load_lora_weights(str(tmp_path / "adapter"), adapter_name="default")
    assert torch.allclose(generate(fresh, [prompt], noise, SamplingSettings(steps=2)), expected, atol=1e-5)
    assert not torch.allclose(untouched, expected, atol=1e-5)
    adapted = {name.split(".")[0] for name, _ in foundation.unet.named_parameters() if "lora_" in name}
    assert adapted and ("conv1.lora" in str([n for n, _ in foundation.unet.named_parameters()])) == lora.convolutions


def test_min_snr_weights_cap_the_weight_of_nearly_clean_images():
    scheduler = tiny_foundation().pipeline.scheduler  # velocity, no signal at the last timestep
    timesteps = torch.tensor([0, 500, 999])
    alpha = scheduler.alphas_cumprod[timesteps]
    snr = alpha / (1 - alpha)
    assert torch.allclose(min_snr_weights(scheduler, timesteps, 5.0), snr.clamp(max=5.0) / (snr + 1), rtol=1e-4)
    assert snr[0] > 5 > snr[1]


def test_reward_finetuning_moves_the_adapter_away_from_its_frozen_anchor(adapter, tmp_path):
    foundation, history = reward_run(adapter, tmp_path)
    named = dict(foundation.unet.named_parameters())
    anchor = [value for name, value in named.items() if ".anchor." in name]
    trained = [value for name, value in named.items() if ".default." in name]
    start = tiny_foundation()
    start.pipeline.load_lora_weights(str(adapter), adapter_name="default")
    assert all(torch.equal(a, b) for a, b in zip(anchor, weights(start), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(anchor, trained, strict=True))
    assert history[0]["step"] == 0 and "monitor" in history[0]
    assert history[1]["anchor"] == pytest.approx(0.0, abs=1e-9)  # the start is the anchor
    assert history[-1]["anchor"] > 0
    assert sum(row.get("best", False) for row in history) == 1


def test_reward_finetuning_carries_the_text_encoders_adapter_along(tmp_path):
    start, _ = supervised(
        tmp_path / "run", SUPERVISED.model_copy(update={"lora": LoraSettings(rank=2, text_encoder=True)})
    )
    start.save_adapter(tmp_path / "start")
    foundation, _ = reward_run(tmp_path / "start", tmp_path / "reward")
    foundation.save_adapter(tmp_path / "end")
    first, last = (load_file(tmp_path / name / "pytorch_lora_weights.safetensors") for name in ("start", "end"))
    text = [name for name in first if name.startswith("text_encoder")]
    assert text and set(first) == set(last)
    assert all(torch.equal(first[name], last[name]) for name in text)
    assert any(not torch.equal(first[name], last[name]) for name in first)


def test_the_first_two_losses_are_what_they_were(adapter, tmp_path):
    """Golden values: a change here is a change of the method, and is to be made on purpose."""
    _, before = supervised(tmp_path / "supervised")
    _, history = reward_run(adapter, tmp_path / "reward")
    assert [row["loss"] for row in before[:2]] == pytest.approx([1.1591, 1.2084], abs=2e-3)
    assert [row["loss"] for row in history[1:3]] == pytest.approx([0.6332, 0.6096], abs=2e-3)
    remembering = {"backprop": {"mode": "direct"}, "objective": {"match": "ranks", "diversity": 1.0}}
    _, history = reward_run(adapter, tmp_path / "direct", reward_method(**remembering))
    assert [row["loss"] for row in history[1:4]] == pytest.approx([0.5738, 0.5848, 0.5837], abs=2e-3)


def test_reward_finetuning_repeats_itself_to_the_bit(adapter, tmp_path):
    first, history = reward_run(adapter, tmp_path / "a")
    second, again = reward_run(adapter, tmp_path / "b")
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))
    assert [row.get("loss") for row in history] == [row.get("loss") for row in again]


@pytest.mark.parametrize("mode", ["last", "full"])
def test_recomputed_activations_change_no_weight(adapter, tmp_path, mode):
    kept, recomputed = (
        reward_run(adapter, tmp_path / str(on), reward_method(compute={"checkpointing": on}, backprop={"mode": mode}))[
            0
        ]
        for on in (False, True)
    )
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(weights(kept), weights(recomputed), strict=True))


def test_half_precision_and_compilation_stay_near_full_precision(adapter, tmp_path):
    from accelerate.state import AcceleratorState

    _, history = reward_run(adapter, tmp_path / "exact", reward_method(steps=1))
    for name, compute in (("bf16", ComputeSettings(precision="bf16")), ("compiled", ComputeSettings(compile="eager"))):
        AcceleratorState._reset_state()
        _, near = reward_run(adapter, tmp_path / name, reward_method(steps=1, compute=compute))
        assert near[1]["reward"] == pytest.approx(history[1]["reward"], abs=0.02)
        assert (near[1]["reward"] != history[1]["reward"]) == (name == "bf16")
    AcceleratorState._reset_state()


def test_a_tiny_decoder_takes_the_gradient_and_must_fit_the_autoencoder(adapter, tmp_path):
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    blocks = {"encoder_block_out_channels": (8, 8, 8), "decoder_block_out_channels": (8, 8, 8)}
    blocks |= {"num_encoder_blocks": (1, 1, 1), "num_decoder_blocks": (1, 1, 1)}
    AutoencoderTiny(latent_channels=SMALL.latent_channels, **blocks).save_pretrained(tmp_path / "tiny")
    AutoencoderTiny(latent_channels=SMALL.latent_channels + 1, **blocks).save_pretrained(tmp_path / "other")
    _, plain = reward_run(adapter, tmp_path / "plain", reward_method(steps=1))
    _, history = reward_run(adapter, tmp_path / "run", reward_method(steps=1, tiny_decoder=str(tmp_path / "tiny")))
    assert history[1]["reward"] != plain[1]["reward"]
    assert history[0]["monitor"] == plain[0]["monitor"], "what the guard checks takes the true decoder"
    with pytest.raises(CraftError, match="5 latent channels into images 4 times as large"):
        reward_run(adapter, tmp_path / "wrong", reward_method(tiny_decoder=str(tmp_path / "other")))


def test_the_text_encoder_is_released_once_all_prompts_are_known(tmp_path):
    foundation, _ = supervised(tmp_path)
    assert foundation.text_encoder is None and foundation.pipeline.text_encoder is None
    states = foundation.encode_prompts(["", tiny_knowledge().labels["nevus"].prompt])
    assert torch.allclose(states, tiny_foundation().encode_prompts(["", "a lesion image"]), atol=1e-6)


def test_labels_come_in_turn():
    assert balanced_labels(["a", "b", "c"], 4, offset=2) == ["c", "a", "b", "c"]
