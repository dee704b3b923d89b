"""Pipelines: those of Stable Diffusion's kind load at the run's resolution, all others end in a sentence."""

import logging

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from tiny import tiny_foundation

from craft.core.errors import CraftError
from craft.models.foundation import Foundation
from craft.training.sampler import generate
from craft.training.settings import SamplingSettings


def folder_of(tmp_path, **unet):
    """A saved pipeline whose UNet has some other keys."""
    pipeline = tiny_foundation().pipeline
    pipeline.unet = UNet2DConditionModel.from_config(pipeline.unet.config, **unet)
    pipeline.save_pretrained(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


@pytest.mark.parametrize(
    ("unet", "named"),
    [
        (
            {
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": 8,
                "projection_class_embeddings_input_dim": 32 + 6 * 8,
            },
            "UNet takes further conditions, as SDXL's does .*text_time",
        ),
        ({"num_class_embeds": 3}, "UNet takes classes"),
        ({"in_channels": 9}, "UNet turns 9 channels into 4, where its autoencoder's latents have 4"),
        ({"cross_attention_dim": 64}, "UNet reads text states of width 64, where its text encoder's are of width 32"),
    ],
    ids=["sdxl", "classes", "inpainting", "another text encoder"],
)
def test_a_unet_of_another_architecture_is_refused_at_loading(unet, named, tmp_path):
    with pytest.raises(CraftError, match=f"from .*/pipeline': its {named}.*name a text-to-image pipeline"):
        Foundation.load(folder_of(tmp_path, **unet))


def test_images_are_of_the_runs_resolution(tmp_path, caplog):
    path, prompts = folder_of(tmp_path), ["a nevus"]
    with caplog.at_level(logging.WARNING):
        foundation = Foundation.load(path, resolution=48)
    assert "was made for 32 px and makes 48 px here" in caplog.text
    noise = torch.randn(1, *foundation.latent_shape, generator=torch.Generator().manual_seed(0))
    images = generate(foundation, prompts, noise, SamplingSettings(steps=2))
    assert images.shape == (1, 3, 48, 48) and foundation.encode_images(images).shape == noise.shape
    assert Foundation.load(path).latent_shape == (4, 8, 8)


def test_a_resolution_that_the_autoencoder_does_not_divide_is_refused(tmp_path):
    with pytest.raises(CraftError, match=r"4 x 4 pixels, and the run's resolution 42 is no multiple of 4; .*: 40"):
        Foundation.load(folder_of(tmp_path), resolution=42)


def test_files_of_a_variant_alone_load_where_it_is_named(tmp_path):
    pipeline = tiny_foundation().pipeline
    pipeline.to(dtype=torch.float16).save_pretrained(tmp_path, variant="fp16")
    with pytest.raises(CraftError, match="files of the variant 'fp16'; write `variant: fp16`"):
        Foundation.load(str(tmp_path))
    assert Foundation.load(str(tmp_path), variant="fp16").unet.dtype == torch.float32


def test_a_saved_foundation_runs_in_plain_diffusers(tmp_path):
    tiny_foundation().save(tmp_path)
    pipeline = StableDiffusionPipeline.from_pretrained(tmp_path, safety_checker=None)
    assert pipeline.text_encoder.dtype == torch.float32
    assert pipeline("a nevus", num_inference_steps=2, output_type="np").images.shape == (1, 32, 32, 3)


def test_texts_are_cut_to_the_positions_of_a_text_encoder_whose_tokenizer_knows_no_window(tmp_path):
    foundation = tiny_foundation()
    foundation.tokenizer.model_max_length = int(1e30)
    foundation.save(tmp_path)
    assert Foundation.load(str(tmp_path)).encode_prompts(["a nevus " * 60]).shape == (1, 48, 32)
