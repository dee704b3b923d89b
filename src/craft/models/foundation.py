"""The generator: a Stable Diffusion pipeline folder (or hub id) with an optional LoRA adapter on its UNet."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.models.tiny_decoder import load_tiny_decoder
from craft.models.tokenizer import tokenize

ADAPTER_FILE = "pytorch_lora_weights.safetensors"
UNET_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
CONVOLUTIONS = ["conv1", "conv2", "conv_shortcut"]
TEXT_ATTENTION = ["q_proj", "k_proj", "v_proj", "out_proj"]
SCHEDULERS = {"ddim": "DDIMScheduler", "dpmsolver++": "DPMSolverMultistepScheduler", "euler": "EulerDiscreteScheduler"}


class Foundation:
    """A frozen text-to-image diffusion model; only LoRA weights are ever trained.

    Attributes:
        unet, vae, text_encoder: the modules, frozen, float32, in eval mode; the text encoder is None once released.
        tokenizer: the text encoder's tokenizer.
        tiny_decoder: an AutoencoderTiny that stands in for the autoencoder where a gradient is wanted, or None.
    """

    def __init__(self, pipeline, device: str = "cpu"):
        self.pipeline = pipeline
        # convolutions run about a tenth faster on channels-last weights, but for the UNet's small ones on a CPU, whose
        # weights oneDNN would reorder at every call
        self.vae = pipeline.vae.to(device, memory_format=torch.channels_last)
        layout = torch.contiguous_format if torch.device(device).type == "cpu" else torch.channels_last
        self.unet = pipeline.unet.to(device, memory_format=layout)
        self.text_encoder, self.tokenizer = pipeline.text_encoder.to(device), pipeline.tokenizer
        for module in (self.unet, self.vae, self.text_encoder):
            module.requires_grad_(False).eval()
        self.device = torch.device(device)
        self.compiled = False
        self.tiny_decoder: nn.Module | None = None
        self.states: dict[str, Tensor] = {}
        self.text_layers: dict = {}

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

    def prepare(self, checkpointing: bool = False, compile: str | None = None, tiny_decoder: str | None = None) -> None:
        """Make the gradient's way cheaper.

        Args:
            checkpointing: recompute the blocks' activations in the backward pass.
            compile: a torch.compile backend for the UNet.
            tiny_decoder: an AutoencoderTiny (folder or hub id) that stands in for the decoder.

        Raises:
            CraftError: if the tiny decoder cannot be loaded or reads other latents.
        """
        if checkpointing:
            for module in (self.unet, self.vae):
                module.enable_gradient_checkpointing()
        if compile:
            self.unet.compile(backend=compile)
            self.compiled = True
        if tiny_decoder:
            self.tiny_decoder = load_tiny_decoder(tiny_decoder, self.vae)

    def add_adapter(
        self,
        *,
        rank: int = 8,
        alpha: int = 8,
        target_modules: Sequence[str] = UNET_ATTENTION,
        convolutions: bool = False,
        text_encoder: bool = False,
    ) -> list[nn.Parameter]:
        """Add a fresh LoRA adapter (Hu et al. 2022) and return its trainable parameters.

        Args:
            rank: of the update of every adapted weight.
            alpha: the update is scaled by alpha / rank.
            target_modules: names of the adapted layers of the UNet.
            convolutions: whether those of the UNet's residual blocks are adapted too.
            text_encoder: whether the text encoder's attention is adapted too.
        """
        from peft import LoraConfig

        def config(modules: list[str]) -> LoraConfig:
            return LoraConfig(r=rank, lora_alpha=alpha, target_modules=modules, init_lora_weights="gaussian")

        self.unet.add_adapter(config([*target_modules, *(CONVOLUTIONS if convolutions else [])]), "default")
        if text_encoder:
            self.text_encoder.add_adapter(config(TEXT_ATTENTION), "default")
        return self.adapter_parameters()

    def adapter_parameters(self, text: bool = True) -> list[nn.Parameter]:
        """The LoRA parameters of the UNet and, with `text`, of the text encoder, made trainable."""
        modules = [self.unet, *([self.text_encoder] if text and self.text_encoder else [])]
        parameters = [
            parameter
            for module in modules
            for name, parameter in module.named_parameters()
            if "lora_" in name and ".default." in name
        ]
        if not parameters:
            raise CraftError("the foundation carries no LoRA adapter to train; start from a supervised adapter")
        for parameter in parameters:
            parameter.requires_grad_(True)
        return parameters

    def freeze_anchor(self, adapter: Path) -> None:
        """Load the UNet's adapter a second time as the frozen `anchor`, and make `default` the active one again."""
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # two adapters are the point
        self.unet.load_lora_adapter(str(adapter), prefix="unet", adapter_name="anchor", weight_name=ADAPTER_FILE)
        self.unet.set_adapter("default")
        for name, parameter in self.unet.named_parameters():
            parameter.requires_grad_("lora_" in name and ".default." in name)

    @contextmanager
    def anchor(self) -> Iterator[None]:
        """Within the block the UNet runs with the frozen anchor adapter, without gradient."""
        self.unet.set_adapter("anchor")
        try:
            with torch.no_grad():
                yield
        finally:
            self.unet.set_adapter("default")

    @contextmanager
    def merged(self) -> Iterator[None]:
        """Within the block the active adapter stands in the UNet's own weights: it costs no time and gets no gradient.

        Half precision would round small adapters away; there the adapter stays beside the weights.
        """
        from peft.tuners.tuners_utils import BaseTunerLayer

        layers = [module for module in self.unet.modules() if isinstance(module, BaseTunerLayer)]
        if torch.is_autocast_enabled(self.device.type):
            layers = []
        weights = [layer.get_base_layer().weight for layer in layers]
        before = [weight.data for weight in weights]
        with torch.no_grad():
            for layer, weight in zip(layers, weights, strict=True):
                (adapter,) = layer.active_adapters
                weight.data = weight.data + layer.get_delta_weight(adapter)
                layer.merged_adapters.append(adapter)
        try:
            yield
        finally:
            for layer, weight, original in zip(layers, weights, before, strict=True):
                weight.data = original
                layer.merged_adapters.pop()

    @contextmanager
    def same_text(self) -> Iterator[None]:
        """Within the block the UNet sees one set of text states: keys and values of the text are computed once.

        A compiled UNet would be compiled anew for every block; there they are computed at every step.
        """
        projections = [
            projection
            for module in ([] if self.compiled else self.unet.modules())
            if getattr(module, "is_cross_attention", False)
            for projection in (module.to_k, module.to_v)
        ]
        for projection in projections:
            projection.forward = remember_first(projection.forward)
        try:
            yield
        finally:
            for projection in projections:
                del projection.forward

    def save_adapter(self, folder: Path) -> None:
        """Save the adapter so that any Stable Diffusion pipeline loads it with `load_lora_weights`."""
        layers = adapter_layers("unet", self.unet)
        layers |= self.text_layers or adapter_layers("text_encoder", self.text_encoder)
        self.pipeline.save_lora_weights(str(folder), **layers)

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

    def encode_prompts(self, prompts: list[str]) -> Tensor:
        """Text states (n, window, width); each distinct prompt is encoded once.

        Raises:
            KeyError: if the text encoder was released and a prompt was not remembered.
        """
        if self.states:
            return torch.stack([self.states[prompt] for prompt in prompts])
        distinct = list(dict.fromkeys(prompts))
        tokens = tokenize(self.tokenizer, distinct).input_ids.to(self.device)
        states = torch.cat([self.text_encoder(chunk)[0] for chunk in tokens.split(64)])
        rows = {prompt: row for row, prompt in enumerate(distinct)}
        return states[[rows[prompt] for prompt in prompts]]

    @torch.no_grad()
    def remember_prompts(self, prompts: list[str]) -> None:
        """Encode all prompts that will ever be asked for, once, and release the text encoder."""
        distinct = list(dict.fromkeys(prompts))
        self.states = dict(zip(distinct, self.encode_prompts(distinct), strict=True))
        self.text_layers = adapter_layers("text_encoder", self.text_encoder)
        self.text_encoder = self.pipeline.text_encoder = None

    @torch.no_grad()
    def encode_images(self, images: Tensor, batch: int = 64) -> Tensor:
        """Scaled latents (posterior means) of images (n, 3, h, w) in [0, 1], on the CPU."""
        chunks = [
            self.vae.encode(chunk.to(self.device) * 2 - 1).latent_dist.mean.cpu() for chunk in images.split(batch)
        ]
        return torch.cat(chunks) * self.vae.config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """Images (n, 3, h, w), about [0, 1] and not clamped, of scaled latents; differentiable.

        Latents that carry a gradient take the tiny decoder, where there is one.
        """
        decoder = self.tiny_decoder if self.tiny_decoder and latents.requires_grad else self.vae
        return decoder.decode(latents / decoder.config.scaling_factor).sample / 2 + 0.5

    @torch.inference_mode()
    def reconstruct(self, images: Tensor, batch: int = 64) -> Tensor:
        """Images (n, 3, h, w) in [0, 1] as the autoencoder gives them back, in [0, 1] on the CPU."""
        latents = self.encode_images(images)
        return torch.cat([self.decode(chunk.to(self.device)).clamp(0, 1).cpu() for chunk in latents.split(batch)])


def remember_first(function: Callable) -> Callable:
    """A function that returns its first result at every call, whatever it is given."""
    results = []

    def remembered(*inputs, **options):
        if not results:
            results.append(function(*inputs, **options))
        return results[0]

    return remembered


def adapter_layers(name: str, module: nn.Module) -> dict:
    """The adapter of a module as `save_lora_weights` takes it; nothing where it has none."""
    from peft.utils import get_peft_model_state_dict

    configs = getattr(module, "peft_config", None) or {}
    if "default" not in configs:
        return {}
    layers = get_peft_model_state_dict(module, adapter_name="default")
    return {f"{name}_lora_layers": layers, f"{name}_lora_adapter_metadata": configs["default"].to_dict()}
