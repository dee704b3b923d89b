"""Memory of one reward gradient (K = 1, guidance, batch 1) through UNet and decoder at Stable Diffusion 1.5 size."""

from pathlib import Path
from typing import Annotated

import typer
from common import RESULTS, Metric, describe_device, random_pipeline, record, report

from craft.core.cli import run

GOAL_MIB = 350


def main(
    size: Annotated[str, typer.Option(help="sd15, or tiny to try it")] = "sd15",
    resolution: Annotated[int, typer.Option(help="image side in pixels")] = 256,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Count what autograd keeps for the backward pass, with recomputed activations and without."""
    import torch
    from memory import measure_step

    from craft.models.foundation import Foundation

    torch.set_num_threads(1)
    foundation = Foundation(random_pipeline(size, resolution))
    foundation.add_adapter(rank=8, alpha=8)
    kept = measure_step(foundation)
    foundation.prepare(checkpointing=True)
    recomputed = measure_step(foundation)
    name = f"{size}_{resolution}"
    report(metrics := make_metrics(name, recomputed, kept))
    record("activation_memory", "python benchmarks/activation_memory.py", describe_device("cpu"), metrics, output)


def make_metrics(name: str, recomputed: "Memory", kept: "Memory") -> list[Metric]:  # noqa: F821
    """The metrics of a size and resolution, with recomputed and with kept activations."""
    where = "random fp32 weights, LoRA rank 8 on attention, K = 1, guidance, batch 1, UNet step and decoder"
    peak = "from torch.profiler's record of the allocator"
    kinds = {
        "saved_activation": ("saved", f"{where}; unique storages that autograd saved, parameters excluded"),
        "peak_backward": ("backward", f"{where}; most held during the backward pass above its start, {peak}"),
        "peak_step": ("step", f"{where}; most held during both passes above what was held before them, {peak}"),
    }
    metrics = []
    for metric, (field, conditions) in kinds.items():
        goal = GOAL_MIB if (metric, name) == ("saved_activation", "sd15_256") else None
        for suffix, memory, how in (("", recomputed, "recomputed"), ("_unchecked", kept, "kept")):
            value, text = getattr(memory, field), f"{conditions}; activations {how}"
            metrics.append(Metric(f"{metric}_mib_{name}{suffix}", value, "MiB", "lower", goal, text))
            goal = None
    return metrics


if __name__ == "__main__":
    run(main)
