"""A tiny CRAFT run as a process of its own, for tests that kill it or start several of it.

The processes are forks of a server that has loaded what each of them would need seconds for.
"""

import json
import os
import sys
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

import torch
from runs import reward_method, reward_run, weights
from safetensors.torch import save_file
from tiny import tiny_foundation, tiny_judge

from craft.core.errors import CraftError

# libraries that load their parts where these are used load them here, and so in the server
tiny_foundation().add_adapter(rank=2)
tiny_judge()

SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(["trainee"])


def start(adapter: Path, folder: Path, changes: dict, **environment: str) -> BaseProcess:
    """Start a training from the adapter under changed settings; see `train`."""
    folder.mkdir(exist_ok=True)
    process = SERVER.Process(target=train, args=(adapter, folder, changes, environment), daemon=True)
    # the server looks for this module where this process does
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        process.start()
    return process


def said(folder: Path) -> str:
    """What the first process of a folder said."""
    return (folder / "rank0.txt").read_text()


def train(adapter: Path, folder: Path, changes: dict, environment: dict[str, str]) -> None:
    """Train with checkpoints in `folder/checkpoints`; every process leaves its weights in `folder/rank<N>.safetensors`.

    Ends like a script: with the exit code of a `CraftError`, which is said in `folder/rank<N>.txt`.
    """
    os.environ.update(environment)
    rank = os.environ.get("RANK", "0")
    torch.set_num_threads(1)
    with open(folder / f"rank{rank}.txt", "w", buffering=1) as sys.stderr:
        try:
            foundation, history = reward_run(adapter, folder / "checkpoints", reward_method(**changes))
        except CraftError as error:
            print(error, file=sys.stderr)
            sys.exit(error.exit_code)
    trained = {str(index): weight for index, weight in enumerate(weights(foundation))}
    save_file(trained, folder / f"rank{rank}.safetensors")
    (folder / "losses.json").write_text(json.dumps([row.get("loss") for row in history]))
