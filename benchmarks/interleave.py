"""Time training steps of ours and of TRL in turn; `peers.py` calls it in an environment that holds both."""

import statistics
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run

CONTESTANTS = {
    "trl_k1": {},
    "k1": {},
    "k1_lv2": {"variants": 2},
    "k1_checkpointed": {"checkpointing": True},
    "default": {},
}


def main(
    folder: Annotated[Path, typer.Argument(help="pipeline folder")],
    output: Annotated[Path, typer.Argument(help="JSON file to write")],
    contestant: Annotated[list[str], typer.Option(help=f"who takes part, of {', '.join(CONTESTANTS)}")],
    batch: Annotated[int, typer.Option(help="images a step")] = 4,
    rounds: Annotated[int, typer.Option(help="blocks of steps of every contestant")] = 1,
    steps: Annotated[int, typer.Option(help="timed steps a block")] = 2,
    sampling_steps: Annotated[int, typer.Option(help="DDIM steps")] = 20,
) -> None:
    """Write the seconds of every contestant, one list per round, and the peak memory of the process."""
    import torch
    from common import describe_device
    from workload import SAMPLING, Default, Ours, Trl, Work, compare_gradients

    from craft.core.files import write_json
    from craft.training.loop import peak_memory_mb

    torch.set_num_threads(1)
    sampling = SAMPLING.model_copy(update={"steps": sampling_steps})
    work = Work(str(folder), batch=batch, sampling=sampling)
    kinds = {"trl_k1": Trl, "default": Default}
    crew = {name: kinds.get(name, Ours)(work, **CONTESTANTS[name]) for name in contestant}
    seconds: dict[str, list[list[float]]] = {name: [] for name in crew}
    for turn in range(rounds):
        for name in list(crew)[:: 1 if turn % 2 == 0 else -1]:
            seconds[name].append(crew[name].seconds(steps))
        print(turn, {name: round(statistics.median(blocks[-1]), 3) for name, blocks in seconds.items()}, flush=True)
    result = {"device": describe_device("cpu"), "seconds": seconds, "peak_memory_mb": peak_memory_mb()}
    if {"k1", "trl_k1"} <= set(crew):
        result["gradient_difference"] = compare_gradients(crew["k1"], crew["trl_k1"])
    write_json(output, result)


if __name__ == "__main__":
    run(main)
