"""Models are loaded whole or refused: every tensor there, finite, from safetensors, as the provenance says.

Libraries draw at random what a file lacks and only log it, read pickles where there is nothing else, and ask on
standard input whether a folder's own code may run. Nothing of that happens here.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.core.reading import brief, read_json, read_tensors
from craft.models.provenance import PROVENANCE

# of a pipeline, what holds weights
WEIGHTED = ("unet", "vae", "text_encoder")
# what people may correct in a model folder without changing the model
UNWATCHED = {"README.md", PROVENANCE}
AGAIN = "copy or download it again"


@contextmanager
def loading(what: str, path: Path | str) -> Iterator[None]:
    """Turn whatever a library meets in a model folder or hub id into one sentence.

    Args:
        what: is loaded, for example 'vision encoder'.
        path: folder or hub id.

    Raises:
        CraftError: if anything is raised in the block; it names what and path.
    """
    try:
        yield
    # what a damaged configuration raises depends on the architecture: any exception there is
    except Exception as error:
        why = str(error) if isinstance(error, CraftError) else brief(error)
        raise CraftError(f"no {what} can be loaded from {str(path)!r}: {why}") from error


def load_whole(load: Callable[..., Any], path: Path | str, **options: Any) -> Any:
    """A model of transformers or diffusers with all of its weights, from safetensors alone.

    Args:
        load: `from_pretrained` of a class.
        path: folder or hub id.
        options: of `load`.

    Raises:
        CraftError: if tensors are missing, of another shape or not finite.
        Exception: whatever the library raises.
    """
    model, found = load(path, use_safetensors=True, output_loading_info=True, **options)
    if lacking := sorted(found["missing_keys"]) or sorted(str(key) for key in found["mismatched_keys"]):
        raise CraftError(f"{len(lacking)} of its tensors are missing or of another shape, {lacking[0]} first; {AGAIN}")
    check_finite(model.named_parameters())
    return model


def check_finite(tensors: Iterator[tuple[str, Tensor]]) -> None:
    """Raise a CraftError that names the first tensor that holds what is no number."""
    for name, tensor in tensors:
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise CraftError(f"its tensor {name} holds what is no finite number; {AGAIN}")


def load_components(pipeline: type, path: str, dtype: torch.dtype = torch.float32, **hub: Any) -> dict[str, nn.Module]:
    """The networks of a diffusers pipeline, each of the class that its `model_index.json` names, loaded whole.

    Args:
        pipeline: class of the pipeline.
        path: folder or hub id.
        dtype: of the weights.
        hub: `revision`, `variant` and `local_files_only`, as `from_pretrained` takes them.

    Raises:
        CraftError: see `load_whole`.
        Exception: whatever the libraries raise.
    """
    check_hashes(path)
    index = pipeline.load_config(path, **{key: value for key, value in hub.items() if key != "variant"})
    parts = {}
    for name in WEIGHTED:
        library, kind = index[name]
        if library not in ("diffusers", "transformers"):
            raise CraftError(f"its {name} is of {library!r}, no library that is known here")
        load = getattr(import_module(library), kind).from_pretrained
        parts[name] = load_whole(load, path, subfolder=name, dtype=dtype, **hub)
    return parts


def load_state(path: Path, model: nn.Module) -> None:
    """Put the tensors of a safetensors file into a model, in float32: all of its own, and no others.

    Raises:
        CraftError: if the file is damaged, or its tensors are not those of the model.
    """
    state = {name: tensor.float() for name, tensor in read_tensors(path, AGAIN).items()}
    check_finite(state.items())
    model.load_state_dict(state)


def check_adapter(path: Path, modules: list[nn.Module]) -> None:
    """Refuse a file of LoRA weights of which not every tensor went into the modules, or which lacks some of theirs.

    Raises:
        CraftError: if it does, or holds what is no finite number.
    """
    given = read_tensors(path, AGAIN)
    check_finite(given.items())
    taken = [name for module in modules for name, _ in module.named_parameters() if "lora_" in name]
    if len(taken) != len(given):
        raise CraftError(f"{path} holds {len(given)} tensors for {len(taken)} of the adapter; {AGAIN}")


def check_hashes(path: Path | str) -> None:
    """Refuse a model folder whose files are not those that its `provenance.json` lists.

    Raises:
        CraftError: if a file is missing or was changed.
    """
    folder = Path(path)
    if not (folder / PROVENANCE).is_file():
        return
    known = read_json(folder / PROVENANCE)
    files = known.get("files") if isinstance(known, dict) else None
    for name, digest in files.items() if isinstance(files, dict) else ():
        if name in UNWATCHED:
            continue
        if not (folder / name).is_file():
            raise CraftError(f"it lacks {name}, which its {PROVENANCE} lists; {AGAIN}")
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise CraftError(
                    f"its {name} is not the file that {PROVENANCE} lists; {AGAIN}, or remove {PROVENANCE} where you"
                    " changed the model yourself"
                )
