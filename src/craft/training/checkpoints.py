"""Training checkpoints: weights, optimiser moments and history in one safetensors file, written atomically.

They live in an undeclared folder named by the identity of the run (settings, code, input data), so that Snakemake does
not delete them before a job starts and a run never picks up another one's.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from craft.core.files import write_tensors
from craft.core.identity import hash_run

FILE = "checkpoint.safetensors"


def checkpoint_folder(output: Path, settings: dict[str, Any], script: str, inputs: list[Path]) -> Path:
    """Folder of a run's checkpoints, beside its output."""
    return Path(output).parent / "checkpoints" / hash_run(settings, script, inputs)


def save_checkpoint(
    folder: Path,
    history: list[dict[str, Any]],
    remembered: dict[str, Tensor],
    parameters: list[nn.Parameter],
    buffers: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write weights, moments, history and what the observer remembers; the previous checkpoint is replaced."""
    tensors = {f"observer/{name}": tensor for name, tensor in remembered.items()}
    tensors |= {f"buffer/{index}": buffer for index, buffer in enumerate(buffers)}
    for index, parameter in enumerate(parameters):
        tensors[f"parameter/{index}"] = parameter.detach()
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer/{index}/{name}"] = torch.as_tensor(value)
    write_tensors(folder / FILE, tensors, {"history": json.dumps(history)})


def load_checkpoint(
    folder: Path, parameters: list[nn.Parameter], buffers: Sequence[Tensor], optimizer: torch.optim.Optimizer
) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """Put weights and moments in place; returns history and the observer's tensors, both empty without a checkpoint."""
    path = folder / FILE
    if not path.is_file():
        return [], {}
    with safe_open(path, framework="pt", device=str(parameters[0].device)) as file, torch.no_grad():
        keys = list(file.keys())
        for index, buffer in enumerate(buffers):
            buffer.copy_(file.get_tensor(f"buffer/{index}"))
        for index, parameter in enumerate(parameters):
            parameter.copy_(file.get_tensor(f"parameter/{index}"))
            prefix = f"optimizer/{index}/"
            optimizer.state[parameter] = {
                key.removeprefix(prefix): file.get_tensor(key) for key in keys if key.startswith(prefix)
            }
        remembered = {
            key.removeprefix("observer/"): file.get_tensor(key) for key in keys if key.startswith("observer/")
        }
        return json.loads(file.metadata()["history"]), remembered
