"""The generator: a Stable Diffusion pipeline folder (or hub id) with an optional LoRA adapter on its UNet."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.models.tokenizer import tokenize

SCHEDULERS = {"ddim": "DDIMScheduler", "dpmsolver++": "DPMSolverMultistepScheduler", "euler": "EulerDiscreteScheduler"}


class Foundation:
    """A frozen text-to-image diffusion model; only the LoRA weights of its UNet are ever trained.

    Attributes:
        unet, vae, text_encoder: the modules, frozen, float32, in eval mode.
        tokenizer: the text encoder's tokenizer.
    """

    def __init__(self, pipeline, device: str = "cpu"):
        self.pipeline = pipeline
        # convolutions run about a tenth faster on channels-last weights, on CPUs and GPUs alike
        self.unet, self.vae = (m.to(device, memory_format=torch.channels_last) for m in (pipeline.unet, pipeline.vae))
        self.text_encoder, self.tokenizer = pipeline.text_encoder.to(device), pipeline.tokenizer
        for module in (self.unet, self.vae, self.text_encoder):
            module.requires_grad_(False).eval()
        self.device = torch.device(device)

    @classmethod
    def load(cls, path: str, adapter: Path | None = None, device: str = "cpu") -> "Foundation":
        """Load a pipeline folder or hub id in float32, and an adapter folder on top of it.

        Raises:
            CraftError: if either cannot be loaded.
        """
        from diffusers import StableDiffusionPipeline
        from diffusers.utils import logging

        logging.disable_progress_bar()
        try:
            pipeline = StableDiffusionPipeline.from_pretrained(
                path, torch_dtype=torch.float32, safety_checker=None, requires_safety_checker=False
            )
            if adapter:
                pipeline.load_lora_weights(str(adapter), adapter_name="default")
        except (OSError, ValueError) as error:
            what = f"adapter {adapter}" if adapter and Path(path).is_dir() else f"foundation {path!r}"
            raise CraftError(f"the {what} cannot be loaded: {str(error).splitlines()[0]}") from error
        return cls(pipeline, device)

    def save(self, folder: Path) -> None:
        """Save the whole pipeline as a diffusers folder, weights in half precision."""
        for module in (self.unet, self.vae):
            module.to(memory_format=torch.contiguous_format)
        self.pipeline.to(dtype=torch.float16).save_pretrained(folder)
        self.pipeline.to(dtype=torch.float32)

    def add_adapter(self, rank: int, alpha: int, target_modules: list[str]) -> list[nn.Parameter]:
        """Add a fresh LoRA adapter to the UNet and return its trainable parameters."""
        from peft import LoraConfig

        self.unet.add_adapter(
            LoraConfig(r=rank, lora_alpha=alpha, target_modules=target_modules, init_lora_weights="gaussian"), "default"
        )
        return self.adapter_parameters()

    def adapter_parameters(self) -> list[nn.Parameter]:
        """The LoRA parameters of the UNet, made trainable."""
        parameters = [
            parameter for name, parameter in self.unet.named_parameters() if "lora_" in name and ".default." in name
        ]
        if not parameters:
            raise CraftError("the foundation carries no LoRA adapter to train; start from a supervised adapter")
        for parameter in parameters:
            parameter.requires_grad_(True)
        return parameters

    def freeze_reference(self, adapter: Path) -> None:
        """Load an adapter a second time as the frozen `reference`, and make `default` the active one again."""
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # two adapters are the point
        self.pipeline.load_lora_weights(str(adapter), adapter_name="reference")
        self.unet.set_adapter("default")
        for name, parameter in self.unet.named_parameters():
            parameter.requires_grad_("lora_" in name and ".default." in name)

    @contextmanager
    def reference(self) -> Iterator[None]:
        """Within the block the UNet runs with the frozen reference adapter, without gradient."""
        self.unet.set_adapter("reference")
        try:
            with torch.no_grad():
                yield
        finally:
            self.unet.set_adapter("default")

    def save_adapter(self, folder: Path) -> None:
        """Save the adapter so that any Stable Diffusion pipeline loads it with `load_lora_weights`."""
        from peft.utils import get_peft_model_state_dict

        self.pipeline.save_lora_weights(
            str(folder),
            unet_lora_layers=get_peft_model_state_dict(self.unet, adapter_name="default"),
            unet_lora_adapter_metadata=self.unet.peft_config["default"].to_dict(),
        )

    def make_scheduler(self, name: str, steps: int):
        """A fresh diffusers scheduler of the given kind, with this foundation's noise schedule, set to `steps`."""
        import diffusers

        scheduler = getattr(diffusers, SCHEDULERS[name]).from_config(self.pipeline.scheduler.config)
        scheduler.set_timesteps(steps, device=self.device)
        return scheduler

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Shape (channels, height, width) of one latent at the UNet's own resolution."""
        side = self.unet.config.sample_size
        return self.vae.config.latent_channels, side, side

    @torch.no_grad()
    def encode_prompts(self, prompts: list[str]) -> Tensor:
        """Text states (n, window, width); each distinct prompt is encoded once."""
        distinct = list(dict.fromkeys(prompts))
        tokens = tokenize(self.tokenizer, distinct).input_ids.to(self.device)
        states = torch.cat([self.text_encoder(chunk)[0] for chunk in tokens.split(64)])
        rows = {prompt: row for row, prompt in enumerate(distinct)}
        return states[[rows[prompt] for prompt in prompts]]

    @torch.no_grad()
    def encode_images(self, images: Tensor, batch: int = 64) -> Tensor:
        """Scaled latents (posterior means) of images (n, 3, h, w) in [0, 1], on the CPU."""
        chunks = [
            self.vae.encode(chunk.to(self.device) * 2 - 1).latent_dist.mean.cpu() for chunk in images.split(batch)
        ]
        return torch.cat(chunks) * self.vae.config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """Images (n, 3, h, w), about [0, 1] and not clamped, of scaled latents; differentiable."""
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample / 2 + 0.5
