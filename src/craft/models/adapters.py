"""What a method trains of a foundation, and the *adapter folder* that holds it.

The folder holds all that was trained, also where a method started from another one's: LoRA weights, learned words, or
the whole UNet. Any Stable Diffusion pipeline reads them with functions of its own: `load_lora_weights`,
`load_textual_inversion` for a word, and `UNet2DConditionModel.from_pretrained`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.models.weights import check_adapter, load_whole, loading
from craft.models.words import read_words

ADAPTER_FILE, WHOLE = "pytorch_lora_weights.safetensors", "unet"
# the entry of the file's header in which diffusers looks for what is told of the weights
METADATA = "lora_adapter_metadata"
UNET_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
CONVOLUTIONS = ("conv1", "conv2", "conv_shortcut")
TEXT_ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


def add_lora(module: nn.Module, key: str, rank: int, alpha: int, targets: Sequence[str]) -> None:
    """Add a fresh LoRA adapter `default` (Hu et al. 2022) to the layers of a module whose names end with a target.

    Args:
        module: of diffusers or transformers.
        key: of the settings that ask for it, for the message.
        rank: of the update of every adapted weight.
        alpha: the update is scaled by alpha / rank.
        targets: names of layers.

    Raises:
        CraftError: if a target is the name of no layer that LoRA can adapt.
    """
    from peft import LoraConfig

    layers = [name for name, each in module.named_modules() if isinstance(each, (nn.Linear, nn.Conv2d))]
    if unknown := [target for target in targets if not any(f".{name}".endswith(f".{target}") for name in layers)]:
        raise CraftError(
            f"`{key}`: the {type(module).__name__} has no linear or convolutional layer called"
            f" {', '.join(map(repr, unknown))}; its layers are called {', '.join(sorted(set(map(last_name, layers))))}"
        )
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), init_lora_weights="gaussian")
    module.add_adapter(config, "default")


def last_name(layer: str) -> str:
    """The last name in the path of a layer, with the number behind it (`to_out.0`)."""
    *_, before, last = ("", *layer.split("."))
    return f"{before}.{last}" if last.isdigit() else last


def lora_layers(name: str, module: nn.Module) -> dict[str, tuple[dict, dict]]:
    """The adapter of a module under its name, as weights and what is told of them; nothing where it has none.

    The update is scaled by alpha / rank. That factor is multiplied into the weights, and alpha told as the rank: what
    every program takes it for that finds no alpha where it looks for one.
    """
    from peft.utils import get_peft_model_state_dict

    if not (known := getattr(module, "peft_config", None)) or "default" not in known:
        return {}
    config = known["default"]
    scale, weights = config.lora_alpha / config.r, get_peft_model_state_dict(module, adapter_name="default")
    scaled = {key: weight * scale if "lora_B" in key else weight for key, weight in weights.items()}
    return {name: (scaled, config.to_dict() | {"lora_alpha": config.r})}


def save_lora(pipeline, folder: Path, layers: dict[str, tuple[dict, dict]]) -> None:
    """Save adapters of `lora_layers` as diffusers does, in a file that is the same in every process."""
    # sets have another order in every process, and so have several entries in the header of a safetensors file
    told = {
        f"{name}.{key}": sorted(value) if isinstance(value, set) else value
        for name, (_, config) in layers.items()
        for key, value in config.items()
    }
    header = {METADATA: json.dumps(told, indent=2, sort_keys=True)}
    weights = {f"{name}_lora_layers": tensors for name, (tensors, _) in layers.items()}
    pipeline.save_lora_weights(str(folder), save_function=partial(save_file, metadata=header), **weights)


def load_adapter(pipeline, adapter: Path) -> dict[str, Tensor]:
    """Put what an adapter folder holds on a pipeline; returns its learned words.

    Raises:
        CraftError: if the folder holds none of what a method trains, or it cannot be loaded whole.
    """
    from diffusers import UNet2DConditionModel

    with loading("adapter", adapter):
        whole, words = (adapter / WHOLE).is_dir(), read_words(adapter)
        if whole:
            pipeline.unet = load_whole(UNet2DConditionModel.from_pretrained, adapter / WHOLE)
        if words:
            pipeline.load_textual_inversion(list(words.values()), token=list(words))
        if (adapter / ADAPTER_FILE).is_file():
            options = {"weight_name": ADAPTER_FILE, "adapter_name": "default", "use_safetensors": True}
            pipeline.load_lora_weights(str(adapter), **options)
            check_adapter(adapter / ADAPTER_FILE, [pipeline.unet, pipeline.text_encoder])
        elif not (whole or words):
            raise CraftError(f"it holds neither {ADAPTER_FILE} nor learned words nor a UNet")
        return words


@contextmanager
def merged_lora(module: nn.Module) -> Iterator[None]:
    """Within the block the active adapter stands in the module's own weights: it costs no time and gets no gradient."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [each for each in module.modules() if isinstance(each, BaseTunerLayer)]
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
