"""Training checkpoints: weights, moments, averages and history in one safetensors file, written atomically.

They live in an undeclared folder named by the identity of the training (settings, code, input data), so that Snakemake
does not delete them before a job starts and no training ever picks up another one's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from craft.core.files import write_tensors
from craft.core.identity import hash_run
from craft.core.reading import open_tensors
from craft.training.optimizers import Optimizer

FILE = "checkpoint.safetensors"


def checkpoint_folder(output: Path, settings: dict[str, Any], script: str, inputs: list[Path]) -> Path:
    """Folder of a training's checkpoints, beside its output."""
    return Path(output).parent / "checkpoints" / hash_run(settings, script, inputs)


class Resumable(Protocol):
    """Something beside the weights that must survive an interruption."""

    def tensors(self) -> dict[str, Tensor]: ...

    def restore(self, tensors: dict[str, Tensor]) -> None: ...


@dataclass
class Checkpoints:
    """The checkpoint of one training: where it lies and what is in it.

    Attributes:
        folder: folder named by the training's identity.
        parameters: what is trained.
        buffers: what else changes while training (running statistics).
        optimizer: its moments are kept.
        resumables: what else must survive, by name.
    """

    folder: Path
    parameters: list[nn.Parameter]
    buffers: Sequence[Tensor]
    optimizer: Optimizer
    resumables: dict[str, Resumable]

    def save(self, history: list[dict[str, Any]]) -> None:
        """Write everything; the previous checkpoint is replaced."""
        tensors = {f"buffer/{index}": buffer for index, buffer in enumerate(self.buffers)}
        for name, resumable in self.resumables.items():
            tensors |= {f"{name}/{key}": tensor for key, tensor in resumable.tensors().items()}
        for index, parameter in enumerate(self.parameters):
            tensors[f"parameter/{index}"] = parameter.detach()
            for name, value in self.optimizer.moments(parameter).items():
                tensors[f"optimizer/{index}/{name}"] = torch.as_tensor(value)
        write_tensors(self.folder / FILE, tensors, {"history": json.dumps(history)})

    def load(self) -> list[dict[str, Any]]:
        """Put everything in place and return the history; empty without a checkpoint.

        Raises:
            CraftError: if the checkpoint is damaged or of another training.
        """
        path = self.folder / FILE
        if not path.is_file():
            return []
        mend = f"delete {self.folder} to train from the start"
        with open_tensors(path, mend, str(self.parameters[0].device)) as file, torch.no_grad():
            keys = list(file.keys())

            def members(prefix: str) -> dict[str, Tensor]:
                return {key.removeprefix(prefix): file.get_tensor(key) for key in keys if key.startswith(prefix)}

            for index, buffer in enumerate(self.buffers):
                buffer.copy_(file.get_tensor(f"buffer/{index}"))
            for index, parameter in enumerate(self.parameters):
                parameter.copy_(file.get_tensor(f"parameter/{index}"))
                self.optimizer.moments(parameter).update(members(f"optimizer/{index}/"))
            for name, resumable in self.resumables.items():
                resumable.restore(members(f"{name}/"))
            return json.loads(file.metadata()["history"])
