"""The generator: a Stable Diffusion pipeline folder (or hub id), and what a method trains of it."""

import copy
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.models.adapters import (
    ADAPTER_FILE,
    CONVOLUTIONS,
    TEXT_ATTENTION,
    UNET_ATTENTION,
    WHOLE,
    add_lora,
    load_adapter,
    lora_layers,
    merged_lora,
    save_lora,
)
from craft.models.metering import Meter
from craft.models.pipelines import latent_shape, load_pipeline
from craft.models.saving import save_in_half
from craft.models.schedules import make_sampler, noise_schedule
from craft.models.tiny_decoder import load_tiny_decoder
from craft.models.tokenizer import tokenize
from craft.models.weights import loading
from craft.models.words import LearnedWords, write_words


class Foundation:
    """A frozen text-to-image diffusion model, of which a method trains LoRA weights, words or the whole UNet.

    Attributes:
        unet, vae, text_encoder: the modules, frozen, float32, in eval mode; the text encoder is None once released.
        tokenizer: the text encoder's tokenizer.
        tiny_decoder: an AutoencoderTiny that stands in for the autoencoder where a gradient is wanted, or None.
        meter: what was spent on the UNet since it was loaded.
        words: embeddings (vectors, width) of learned words, by word.
        whole: the folder of a UNet that a method trained as a whole and that stands in for the pipeline's own, or None.
        noise_schedule: the DDPM schedule of the noise that the UNet is trained on.
        latent_shape: (channels, height, width) of one latent of the images that it makes.
    """

    def __init__(self, pipeline, device: str = "cpu", resolution: int | None = None):
        self.pipeline, self.noise_schedule = pipeline, noise_schedule(pipeline.scheduler)
        self.latent_shape = latent_shape(pipeline, resolution)
        self.words: dict[str, Tensor] = {}
        self.whole: Path | None = None
        self.learned: LearnedWords | None = None
        self.trained_whole = False
        # convolutions run about a tenth faster on channels-last weights, but for the UNet's small ones on a CPU, whose
        # weights oneDNN would reorder at every call
        self.vae = pipeline.vae.to(device, memory_format=torch.channels_last)
        layout = torch.contiguous_format if torch.device(device).type == "cpu" else torch.channels_last
        self.unet = pipeline.unet.to(device, memory_format=layout)
        self.text_encoder, self.tokenizer = pipeline.text_encoder.to(device), pipeline.tokenizer
        for module in (self.unet, self.vae, self.text_encoder):
            module.requires_grad_(False).eval()
        self.device = torch.device(device)
        self.meter = Meter(self.unet, self.device)
        self.compiled = False
        self.tiny_decoder: nn.Module | None = None
        self.states: dict[str, Tensor] = {}
        self.text_layers: dict = {}

    @classmethod
    def load(
        cls,
        path: str,
        adapter: Path | None = None,
        device: str = "cpu",
        resolution: int | None = None,
        **hub: str | bool | None,
    ) -> "Foundation":
        """Load a pipeline folder or hub id in float32, and what an adapter folder holds on top of it.

        Args:
            path: folder or hub id.
            adapter: adapter folder.
            device: `cpu` or a GPU.
            resolution: side of the images in pixels; None is that which the UNet was made for.
            hub: `revision`, `variant` and `local_files_only`, as diffusers takes them.

        Raises:
            CraftError: if either cannot be loaded whole, or the pipeline is of another kind than Stable Diffusion's.
        """
        pipeline = load_pipeline(path, **hub)
        words = load_adapter(pipeline, adapter) if adapter else {}
        with loading("foundation", path):
            foundation = cls(pipeline, device, resolution)
            if not foundation.encode_prompts(["an image"]).isfinite().all():
                raise CraftError("its text encoder gives no finite numbers")
        foundation.words = words
        foundation.whole = adapter / WHOLE if adapter and (adapter / WHOLE).is_dir() else None
        return foundation

    def save(self, folder: Path) -> None:
        """Save the whole pipeline as a diffusers folder, weights in half precision."""
        for module in (self.unet, self.vae):
            module.to(memory_format=torch.contiguous_format)
        save_in_half(self.pipeline, folder)

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
            # the forward pass alone, so that the meter's hook stays outside of the graph
            self.unet.forward = torch.compile(self.unet.forward, backend=compile)
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

        Raises:
            CraftError: if a module is not there.
        """
        targets = [*target_modules, *(CONVOLUTIONS if convolutions else [])]
        add_lora(self.unet, "lora.target_modules", rank, alpha, targets)
        if text_encoder:
            add_lora(self.text_encoder, "lora.text_encoder", rank, alpha, TEXT_ATTENTION)
        return self.adapter_parameters()

    @property
    def has_adapter(self) -> bool:
        """Whether the UNet carries LoRA weights."""
        return "default" in (getattr(self.unet, "peft_config", None) or {})

    def train_whole(self) -> list[nn.Parameter]:
        """Make all weights of the UNet trainable and return them; LoRA weights become part of them first."""
        if self.has_adapter:
            self.unet.fuse_lora()
            self.unet.unload_lora()
        self.trained_whole = True
        return list(self.unet.requires_grad_(True).parameters())

    def learn_words(self, starts: dict[str, str], vectors: int) -> list[nn.Parameter]:
        """Add words to the text encoder and return their embeddings, which alone of it are trained.

        Args:
            starts: word, for example `<nevus>` -> text whose mean token embedding it starts from; a word that was
                learned before starts from what it is.
            vectors: tokens that a new word stands for.
        """
        self.learned = LearnedWords(self.text_encoder, self.tokenizer, starts, vectors, self.words)
        return list(self.learned.vectors.values())

    def trains_text(self) -> bool:
        """Whether anything of the text encoder is trainable, so that its states change while it trains."""
        return any(parameter.requires_grad for parameter in self.text_encoder.parameters())

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

    def freeze_anchor(self, adapter: Path | None) -> None:
        """Load the UNet's adapter a second time as the frozen `anchor`, and make `default` the active one again.

        A fresh adapter changes nothing, so that another fresh one anchors it where the folder holds no LoRA weights.
        """
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # two adapters are the point
        if adapter and (adapter / ADAPTER_FILE).is_file():
            self.unet.load_lora_adapter(str(adapter), prefix="unet", adapter_name="anchor", weight_name=ADAPTER_FILE)
        else:
            self.unet.add_adapter(copy.deepcopy(self.unet.peft_config["default"]), "anchor")
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
        with nullcontext() if torch.is_autocast_enabled(self.device.type) else merged_lora(self.unet):
            yield

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
        """Save all that was trained, here or before, so that `load_adapter` puts it on the foundation again."""
        layers = lora_layers("unet", self.unet)
        layers |= self.text_layers or lora_layers("text_encoder", self.text_encoder)
        if layers:
            save_lora(self.pipeline, folder, layers)
        write_words(folder, self.words | (self.learned.words() if self.learned else {}))
        if self.trained_whole:
            self.unet.to(memory_format=torch.contiguous_format).save_pretrained(folder / WHOLE)
        elif self.whole:
            shutil.copytree(self.whole, folder / WHOLE)

    def make_scheduler(self, name: str, steps: int):
        """A fresh diffusers scheduler of the given kind, with this foundation's noise schedule, set to `steps`."""
        return make_sampler(self.pipeline.scheduler, name, steps, self.device)

    def encode_prompts(self, prompts: list[str]) -> Tensor:
        """Text states (n, window, width); each distinct prompt is encoded once.

        Raises:
            KeyError: if the text encoder was released and a prompt was not remembered.
        """
        if self.states:
            return torch.stack([self.states[prompt] for prompt in prompts])
        distinct = list(dict.fromkeys(prompts))
        known = bool(self.words or self.learned)
        texts = self.pipeline.maybe_convert_prompt(distinct, self.tokenizer) if known else distinct
        tokens = tokenize(self.tokenizer, texts).input_ids.to(self.device)
        states = torch.cat([self.text_encoder(chunk)[0] for chunk in tokens.split(64)])
        rows = {prompt: row for row, prompt in enumerate(distinct)}
        return states[[rows[prompt] for prompt in prompts]]

    @torch.no_grad()
    def remember_prompts(self, prompts: list[str]) -> None:
        """Encode all prompts that will ever be asked for, once, and release the text encoder."""
        distinct = list(dict.fromkeys(prompts))
        self.states = dict(zip(distinct, self.encode_prompts(distinct), strict=True))
        self.text_layers = lora_layers("text_encoder", self.text_encoder)
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
        latents = self.encode_images(images, batch)
        return torch.cat([self.decode(chunk.to(self.device)).clamp(0, 1).cpu() for chunk in latents.split(batch)])


def remember_first(function: Callable) -> Callable:
    """A function that returns its first result at every call, whatever it is given."""
    results = []

    def remembered(*inputs, **options):
        if not results:
            results.append(function(*inputs, **options))
        return results[0]

    return remembered
