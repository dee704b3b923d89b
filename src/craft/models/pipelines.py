"""Stable Diffusion pipelines: how one is loaded, and whether it is of the kind that this library trains and samples.

Its UNet takes noisy latents, a timestep and the states of one text encoder, and nothing else.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import torch

from craft.core.errors import CraftError
from craft.core.reading import brief
from craft.models.hub import check_source
from craft.models.schedules import noise_schedule
from craft.models.tokenizer import fit_tokenizer
from craft.models.weights import load_components, loading

log = logging.getLogger(__name__)
# what a UNet may take beside latents, timestep and text states, by the key of its configuration
FURTHER = {
    "addition_embed_type": "further conditions, as SDXL's does",
    "class_embed_type": "classes",
    "num_class_embeds": "classes",
    "encoder_hid_dim_type": "images beside texts",
}
SHIFTS = ("shift_factor", "latents_mean", "latents_std")


def load_pipeline(path: str, **hub: str | bool | None):
    """A diffusers pipeline in float32, without a safety checker.

    Args:
        path: folder or hub id.
        hub: `revision`, `variant` and `local_files_only`, as diffusers takes them.

    Raises:
        CraftError: if there is none, or it is of another kind than Stable Diffusion's.
    """
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.disable_progress_bar()
    options = {"torch_dtype": torch.float32, "safety_checker": None, "requires_safety_checker": False}
    with loading("foundation", path):
        check_source(path)
        try:
            parts = load_components(StableDiffusionPipeline, path, **hub)
            pipeline = StableDiffusionPipeline.from_pretrained(path, **parts, **options, use_safetensors=True, **hub)
        except OSError as error:
            reason = None if hub.get("variant") else explain_variant(Path(path))
            raise CraftError(reason or brief(error)) from error
        noise_schedule(pipeline.scheduler)
        fit_tokenizer(pipeline.tokenizer, pipeline.text_encoder)
        if fault := next(find_faults(pipeline), None):
            raise CraftError(f"{fault}; name a text-to-image pipeline of the Stable Diffusion 1 or 2 family")
    return pipeline


def explain_variant(folder: Path) -> str | None:
    """What to do about a folder whose UNet is there only as a variant (`diffusion_pytorch_model.fp16.safetensors`)."""
    names = [file.name.split(".") for kind in ("safetensors", "bin") for file in folder.glob(f"unet/*.{kind}")]
    # the parts of a large file are numbered behind the name of the variant
    variants = sorted({name[1].split("-")[0] for name in names if len(name) == 3})
    if not variants or any(len(name) == 2 for name in names):
        return None
    return f"its weights are files of the variant {variants[0]!r}; write `variant: {variants[0]}` beside the path"


def find_faults(pipeline) -> Iterator[str]:
    """What of a pipeline is not of Stable Diffusion's kind."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    unet, vae = pipeline.unet, pipeline.vae
    for module, kind in ((unet, UNet2DConditionModel), (vae, AutoencoderKL)):
        if not isinstance(module, kind):
            yield f"its {type(module).__name__} is no {kind.__name__}"
            return
    for key, what in FURTHER.items():
        if (value := unet.config.get(key)) is not None:
            yield f"its UNet takes {what} (`{key}: {value}`)"
    channels, latent = (unet.config.in_channels, unet.config.out_channels), vae.config.latent_channels
    if channels != (latent, latent):
        yield f"its UNet turns {channels[0]} channels into {channels[1]}, where its autoencoder's latents have {latent}"
    width, read = pipeline.text_encoder.config.hidden_size, unet.config.cross_attention_dim
    if {width} != set(read if isinstance(read, list | tuple) else [read]):
        yield f"its UNet reads text states of width {read}, where its text encoder's are of width {width}"
    if not isinstance(unet.config.sample_size, int):
        yield f"its UNet tells no side of square latents (`sample_size: {unet.config.sample_size}`)"
    if shifts := [key for key in SHIFTS if vae.config.get(key) is not None]:
        yield f"its autoencoder shifts latents (`{shifts[0]}`)"


def latent_shape(pipeline, resolution: int | None) -> tuple[int, int, int]:
    """Shape (channels, height, width) of one latent of images of a side in pixels, or of the UNet's own side.

    Raises:
        CraftError: if the autoencoder does not divide the resolution.
    """
    factor, own = pipeline.vae_scale_factor, pipeline.unet.config.sample_size
    side, rest = divmod(resolution or own * factor, factor)
    if rest:
        raise CraftError(
            f"one latent of the foundation is {factor} x {factor} pixels, and the run's resolution {resolution} is no"
            f" multiple of {factor}; write for example `resolution: {max(1, side) * factor}`"
        )
    if side != own:
        log.warning("the foundation was made for %s px and makes %s px here, as the run does", own * factor, resolution)
    return pipeline.vae.config.latent_channels, side, side
