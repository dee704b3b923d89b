"""CPU seconds and memory of a training step at K = 1, ours against TRL's AlignPropTrainer, on one tiny random model.

The benchmark makes its own environment, because TRL 0.23.1 is the last release with that trainer.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Annotated

import typer
from common import RESULTS, Metric, random_pipeline, record, report

from craft.core.cli import run
from craft.core.errors import CraftError
from craft.core.reading import read_json

HERE = Path(__file__).parent
ROOT = HERE.parent
TRL = "trl==0.23.1"
PACKAGES = ["diffusers", "transformers", "accelerate", "peft", "pydantic", "pyyaml", "typer", "tqdm", "tensorboardX"]
CONTESTANTS = {
    "trl_k1": "TRL at K = 1",
    "k1": "ours at K = 1, activations kept",
    "k1_lv2": "ours at K = 1 with DRaFT-LV n = 2, activations kept",
    "k1_checkpointed": "ours at K = 1, activations recomputed",
    "default": "ours with `backprop` and `compute` as they are by default, as many images scored",
}
GOALS = {"k1": 0.60, "k1_lv2": 0.75, "default": 0.35}
RESOLUTION = 32


def main(
    env: Annotated[Path | None, typer.Option(help="environment to make or to use again; else a temporary one")] = None,
    batch: Annotated[int, typer.Option(help="images a step, a multiple of 4")] = 4,
    rounds: Annotated[int, typer.Option(help="blocks of steps of every contestant, in turn")] = 12,
    steps: Annotated[int, typer.Option(help="timed steps a block, after one that warms up")] = 3,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Interleave training steps of ours and of TRL on one thread and compare their CPU time and memory."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        python = make_environment(env or work / "env")
        random_pipeline("tiny", RESOLUTION).save_pretrained(work / "model")
        measured = interleave(python, work, list(CONTESTANTS), batch=batch, rounds=rounds, steps=steps)
        alone = {name: interleave(python, work, [name], batch=batch) for name in ("trl_k1", "k1")}
    memory = {name: each["peak_memory_mb"] for name, each in alone.items()}
    metrics = make_metrics(measured["seconds"], memory, measured["gradient_difference"], batch)
    report(metrics)
    command = f"python benchmarks/peers.py --batch {batch} --rounds {rounds} --steps {steps}"
    record("peers", command, measured["device"], metrics, output)


def make_environment(folder: Path) -> Path:
    """The Python of an environment with TRL and what we need, at the versions of the lock file; made if absent.

    Raises:
        CraftError: if the packages cannot be installed.
    """
    python, stamp, lock = folder / "bin" / "python", folder / ".installed", ROOT / "requirements.lock"
    if not stamp.exists():
        venv.create(folder, with_pip=True)
        torch = next(line for line in lock.read_text().splitlines() if line.startswith("torch=="))
        # torch comes first and pinned: other packages would pull a build of several GB
        for packages in ([torch], ["-c", str(lock), TRL, *PACKAGES]):
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
            if subprocess.run(command).returncode:
                raise CraftError(f"{' '.join(packages)} cannot be installed into {folder}; see pip's message above")
        stamp.touch()
    return python


def interleave(python: Path, work: Path, contestants: list[str], **options: int) -> dict:
    """What `interleave.py`, given its own options, measures in a process of its own.

    Raises:
        CraftError: if it fails.
    """
    output = work / "measured.json"
    command = [str(python), str(HERE / "interleave.py"), str(work / "model"), str(output)]
    command += [f"--contestant={name}" for name in contestants]
    command += [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    if subprocess.run(command, env=environment | {"PYTHONWARNINGS": "ignore"}, stdout=sys.stderr).returncode:
        raise CraftError(f"the comparison of {', '.join(contestants)} failed; see its message above")
    return read_json(output)


def paired_ratios(ours: list[list[float]], theirs: list[list[float]]) -> list[float]:
    """The ratio of the median steps of two blocks, for every round."""
    pairs = zip(ours, theirs, strict=True)
    return [statistics.median(first) / statistics.median(second) for first, second in pairs]


def make_metrics(
    seconds: dict[str, list[list[float]]], memory: dict[str, float], difference: float, batch: int
) -> list[Metric]:
    """The metrics of the comparison.

    Args:
        seconds: of every step, a list for every contestant and round.
        memory: peak MB of a process that runs one contestant alone.
        difference: between the two gradients, relative.
        batch: images a step.
    """
    where = (
        f"tiny random Stable-Diffusion-shaped model, {RESOLUTION} px, batch {batch}, 20 DDIM steps, guidance 5, LoRA"
        " rank 4 on attention, K = 1, AdamW, one fixed differentiable reward, no anchor and no denoising term, fp32,"
        f" one thread; {TRL} recomputes its UNet step and encodes its prompts every step, ours keeps the text states"
    )
    blocks = f"{where}; CPU time, median over alternating blocks"
    metrics = []
    for name in ("k1", "k1_lv2", "k1_checkpointed", "default"):
        ratios = paired_ratios(seconds[name], seconds["trl_k1"])
        spread = f"median of {len(ratios)} rounds, which lie from {min(ratios):.2f} to {max(ratios):.2f}"
        conditions = f"{CONTESTANTS[name]}, over TRL at K = 1; {spread}; {blocks}"
        median = statistics.median(ratios)
        metrics.append(Metric(f"cpu_ratio_to_trl_{name}", median, "1", "lower", GOALS.get(name), conditions))
    for name, what in CONTESTANTS.items():
        median = statistics.median(itertools.chain.from_iterable(seconds[name]))
        metrics.append(Metric(f"cpu_seconds_per_step_{name}", median, "s", "lower", None, f"{what}; {blocks}"))
    for name, peak in memory.items():
        conditions = f"{CONTESTANTS[name]}; resident memory of a process of its own, imports included; {where}"
        metrics.append(Metric(f"peak_memory_mb_{name}", peak, "MB", "lower", None, conditions))
    conditions = f"relative difference of the two gradients for equal weights and noise; {where}"
    return [*metrics, Metric("gradient_difference_to_trl_k1", difference, "1", "lower", None, conditions)]


if __name__ == "__main__":
    run(main)
