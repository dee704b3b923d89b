"""Speed and memory of reward finetuning at K = 1 on a GPU; random models of the size of Stable Diffusion 1.5 and SDXL.

`--device cpu --size tiny --resolution 32` runs the same code anywhere, to see that it works.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from common import RESULTS, Metric, describe_device, random_pipeline, record, report

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.errors import CraftError

# matrix peak without sparsity by the GPU's name, bf16, TFLOP/s, from the maker's data sheets
PEAKS = {"H100 PCIe": 756.0, "H100": 989.0, "H200": 989.0, "A100": 312.0}
NOTES = {"sdxl": " (SDXL's UNet without its added conditioning, Stable Diffusion 1.5's autoencoder)"}


def main(
    size: Annotated[list[str] | None, typer.Option(help="sd15, sdxl or tiny, repeatable; else sd15 and sdxl")] = None,
    device: Annotated[str, typer.Option(help="cuda, or cpu to try it")] = "cuda",
    resolution: Annotated[int, typer.Option(help="image side in pixels")] = 512,
    batch: Annotated[int, typer.Option(help="images a step, a multiple of 4")] = 4,
    sampling_steps: Annotated[int, typer.Option(help="DDIM steps")] = 20,
    steps: Annotated[int, typer.Option(help="timed training steps, after one that warms up")] = 5,
    peak_tflops: Annotated[float | None, typer.Option(help="matrix peak of a GPU that is not listed here")] = None,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Time training steps of ours, and of TRL's where it can be imported."""
    with lease_device() as leased:
        if device != "cpu" and leased == "cpu":
            raise CraftError(
                "this benchmark needs a CUDA GPU and found none; run it on a machine that has one, or try its code"
                " with `--device cpu --size tiny --resolution 32`"
            )
        from workload import SAMPLING, Work

        name, metrics = describe_device(device), []
        peak = peak_tflops or next((peak for gpu, peak in PEAKS.items() if gpu in name), None)
        sampling = SAMPLING.model_copy(update={"steps": sampling_steps})
        for each in size or ["sd15", "sdxl"]:
            with tempfile.TemporaryDirectory() as folder:
                random_pipeline(each, resolution).save_pretrained(folder)
                metrics += measure(Work(folder, device, batch, sampling, "auto"), each, resolution, steps, peak)
    report(metrics)
    command = f"python benchmarks/gpu_finetuning.py --device {device} --resolution {resolution} --batch {batch}"
    record("gpu_finetuning", f"{command} --sampling-steps {sampling_steps} --steps {steps}", name, metrics, output)


def measure(work: "Work", size: str, resolution: int, steps: int, peak: float | None) -> list[Metric]:  # noqa: F821
    """The metrics of one model.

    Args:
        work: what a step does.
        size: name of the model's shape.
        resolution: image side in pixels.
        steps: timed steps.
        peak: the device's matrix peak in TFLOP/s, where it is known.
    """
    from workload import Ours, Trl

    where = (
        f"{size}-sized random model{NOTES.get(size, '')}, {resolution} px, batch {work.batch}, {work.sampling.steps}"
        f" DDIM steps, guidance {work.sampling.guidance_scale:g}, LoRA rank 4 on attention, K = 1, no anchor and no"
        " denoising term, activations recomputed, bf16 autocast where the device has it"
    )
    kind = "cpu" if work.device == "cpu" else "gpu"

    def metric(what: str, value: float, unit: str, better: str, note: str = "") -> Metric:
        return Metric(f"{kind}_{what}_{size}", value, unit, better, None, where + note)

    flops = Ours(work, checkpointing=True).count_flops() / 1e12
    seconds, memory = time_steps(lambda: Ours(work, checkpointing=True), steps)
    metrics = [
        metric("seconds_per_step", seconds, "s", "lower"),
        metric("images_per_second", work.batch / seconds, "1/s", "higher"),
        metric("peak_memory_mb", memory, "MB", "lower"),
        metric("tflop_per_step", flops, "TFLOP", "lower", "; recomputed operations included"),
    ]
    if peak:
        note = f"; recomputed operations included, peak {peak:g} TFLOP/s"
        metrics.append(metric("fraction_of_matrix_peak", flops / seconds / peak, "1", "higher", note))
    try:
        theirs, memory = time_steps(lambda: Trl(work), steps)
    except ImportError:
        return metrics  # TRL is absent, or a release without its AlignPropTrainer
    trl = "; TRL's AlignPropTrainer"
    return [
        *metrics,
        metric("ratio_to_trl", seconds / theirs, "1", "lower", f"{trl}: our seconds per step over its own"),
        metric("peak_memory_mb_trl", memory, "MB", "lower", trl),
    ]


def time_steps(make, steps: int) -> tuple[float, float]:
    """Median seconds of a step, and the peak memory in MB, of what `make` returns."""
    import torch

    from craft.training.loop import peak_memory_mb

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return statistics.median(make().seconds(steps)), peak_memory_mb()


if __name__ == "__main__":
    run(main)
