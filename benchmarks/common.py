"""What the benchmarks share: the form of their results, and random models in the shapes of known ones."""

import math
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from craft.core.errors import CraftError
from craft.core.files import write_json

RESULTS = Path(__file__).parent / "results"
PROMPTS = ["a melanoma with several colours", "a nevus with a regular border", "a heart of normal size", "clear lungs"]


@dataclass(frozen=True)
class Metric:
    """One measured number.

    Attributes:
        metric: its name, which never changes.
        value: the number.
        unit: of the number; "1" for a ratio.
        better: which way is better.
        goal: the value to reach, or None where the number only informs.
        conditions: what it was measured on and what it counts.
    """

    metric: str
    value: float
    unit: str
    better: Literal["lower", "higher"]
    goal: float | None
    conditions: str


def record(name: str, command: str, device: str, metrics: list[Metric], folder: Path = RESULTS) -> Path:
    """Write the results of a benchmark atomically and return the file's path.

    Raises:
        CraftError: if a value is no finite number.
    """
    if wrong := [metric for metric in metrics if not math.isfinite(metric.value)]:
        raise CraftError(f"{wrong[0].metric} is {wrong[0].value}, so nothing is recorded; measure on more")
    path = folder / f"{name}.json"
    entries = [asdict(metric) | {"value": float(f"{metric.value:.4g}")} for metric in metrics]
    date = datetime.now(UTC).date().isoformat()
    write_json(path, {"date": date, "device": device, "command": command, "metrics": entries})
    return path


def report(metrics: list[Metric]) -> None:
    """Print the metrics as a table."""
    for metric in metrics:
        goal = "" if metric.goal is None else f"  (goal {metric.goal:g})"
        print(f"{metric.metric:40} {metric.value:12.4g} {metric.unit}{goal}")


def describe_device(device: str) -> str:
    """The device's kind, for the record: 'cpu x86_64, 1 thread', or the GPU's name."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"cpu {platform.machine()}, {threads} thread{'s' * (threads > 1)}"


@dataclass(frozen=True)
class Shape:
    """The shape of a Stable Diffusion pipeline.

    Attributes:
        unet: arguments of UNet2DConditionModel.
        vae_channels: of the autoencoder's levels; every level after the first halves the image.
        vae_layers: residual blocks a level of the autoencoder's encoder; the decoder has one more.
        text_layers: of the text encoder.
        window: tokens of a prompt.
    """

    unet: dict[str, Any]
    vae_channels: tuple[int, ...]
    vae_layers: int
    text_layers: int
    window: int = 77


SDXL_DOWN = ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D")
SDXL_UP = ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")
SHAPES = {
    "tiny": Shape(
        {
            "block_out_channels": (64, 128, 128),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "attention_head_dim": 4,
            "cross_attention_dim": 64,
        },
        vae_channels=(32, 64, 64),
        vae_layers=1,
        text_layers=2,
        window=48,
    ),
    "sd15": Shape(
        {
            "block_out_channels": (320, 640, 1280, 1280),
            "attention_head_dim": 8,
            "cross_attention_dim": 768,
        },
        vae_channels=(128, 256, 512, 512),
        vae_layers=2,
        text_layers=12,
    ),
    "sdxl": Shape(
        {
            "block_out_channels": (320, 640, 1280),
            "down_block_types": SDXL_DOWN,
            "up_block_types": SDXL_UP,
            "attention_head_dim": [5, 10, 20],
            "transformer_layers_per_block": [1, 2, 10],
            "cross_attention_dim": 2048,
            "use_linear_projection": True,
        },
        vae_channels=(128, 256, 512, 512),
        vae_layers=2,
        text_layers=2,
    ),
}


def random_pipeline(size: str, resolution: int):
    """A StableDiffusionPipeline with random weights.

    Args:
        size: name of a shape; `sdxl` has SDXL's UNet without its added conditioning, and a shallow text encoder.
        resolution: side of its images in pixels.

    Raises:
        CraftError: if there is no such shape.
    """
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    from craft.models.tokenizer import train_tokenizer

    if size not in SHAPES:
        raise CraftError(f"there is no model size {size!r}; choose from {', '.join(SHAPES)}")
    torch.manual_seed(0)
    shape, tokenizer = SHAPES[size], train_tokenizer(PROMPTS, window=SHAPES[size].window)
    levels, width = len(shape.vae_channels), shape.unet["cross_attention_dim"]
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=max(1, width // 64),
        max_position_embeddings=shape.window,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    vae = AutoencoderKL(
        sample_size=resolution,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=shape.vae_channels,
        layers_per_block=shape.vae_layers,
        latent_channels=4,
    )
    # the noise schedule of Stable Diffusion 1.5
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(sample_size=resolution // 2 ** (levels - 1), **shape.unet),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
