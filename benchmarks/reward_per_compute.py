"""Which settings buy most CAS for their UNet evaluations while images stay diverse: how defaults are chosen.

Every way gets the same number of UNet evaluations: one for an image's forward pass through the UNet, two more for its
backward pass (activations are kept); the guard's checks count, where the way has a guard. Along a training several
states are judged on fixed noise: the mean CAS that they gained, and the diversity within labels of their images under
the judge's vision encoder. What counts is the largest gain among the states whose diversity is at least 0.9 of real
images', per 1000 of the evaluations that the training spent; 0 if there is no such state.

The *monitor* judges where ways are chosen. The phantoms and seeds are those of `choice.yaml`, which no table uses. The
held-out judge is asked last, and of two ways only: `--held-out` reports the way that gained most, and beside it the
best of TRL's K = 1 recipes (the same models, reward and evaluations; no anchor, no denoising term, no limit, no guard).
Their gradient is that of TRL itself (`peers.py`). Prepare the datasets first:

    snakemake --configfile benchmarks/choice.yaml --cores 2 -- \\
        results/choice/{dermoscopy,chest_xray}/{calibration.json,lora_enriched/seed500/adapter}
"""

import time
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer
from common import RESULTS, Metric, describe_device, record, report
from ways import RECIPES, REWARD, WAYS, Changes

from craft.core.cli import run
from craft.core.errors import CraftError
from craft.core.reading import read_json

if TYPE_CHECKING:
    from trial import State

    from craft.pipeline.config import Config

CHOICE = Path(__file__).parent / "choice.yaml"
NAME, UNIT = "reward_per_compute", "CAS per 1000 UNet evaluations"
DIVERSE, GOAL = 0.9, 2.0


def main(
    dataset: Annotated[list[str], typer.Option(help="dataset of the configuration; repeat for several")],
    config: Annotated[Path, typer.Option(help="configuration with a reward method, used by no table")] = CHOICE,
    way: Annotated[list[str], typer.Option(help=f"of {', '.join(WAYS)}; repeat for several, else all")] = tuple(WAYS),
    seed: Annotated[list[int], typer.Option(help="of a training's draws; repeat for several")] = (500, 501, 502),
    evaluations: Annotated[int, typer.Option(help="UNet evaluations that every way may spend")] = 8000,
    states: Annotated[int, typer.Option(help="states of a training that are judged")] = 5,
    images: Annotated[int, typer.Option(help="images of fixed noise that are judged")] = 96,
    held_out: Annotated[bool, typer.Option(help="ask the held-out judge of what gained most before")] = False,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Train every way for the same UNet evaluations and record the CAS that its diverse states gained."""
    import yaml

    from craft.pipeline.config import validate_config

    if unknown := [name for name in way if name not in WAYS]:
        raise CraftError(f"there is no way {unknown[0]!r}; write one of {', '.join(WAYS)}")
    run_config = validate_config(yaml.safe_load(config.read_text(encoding="utf-8")), str(config))
    judge, before = ("held_out", read_record(output)) if held_out else ("monitor", [])
    ways = [chosen(before, REWARD), chosen(before, RECIPES)] if held_out else list(way)
    measured = []
    for name in dataset:
        measured += measure(run_config, name, ways, list(seed), evaluations, states, images, judge)
    metrics = measured + (compare(measured, ways, judge) if held_out else [])
    report(metrics)
    named = [f"--dataset {name}" for name in dataset] + [f"--way {name}" for name in way if set(way) != set(WAYS)]
    command = " ".join([f"python benchmarks/{NAME}.py", *named, *(f"--seed {number}" for number in seed)])
    command += f" --evaluations {evaluations} --states {states} --images {images}"
    command += "; then the same with --held-out" if held_out else ""
    record(NAME, command, describe_device("cpu"), before + metrics, output)


def read_record(folder: Path) -> list[Metric]:
    """What was measured with the monitor.

    Raises:
        CraftError: if nothing was.
    """
    path = folder / f"{NAME}.json"
    entries = read_json(path)["metrics"] if path.is_file() else []
    found = [Metric(**entry) for entry in entries if entry["metric"].startswith("monitor_diverse_gain_")]
    if not found:
        raise CraftError(f"{path} holds no choice of the monitor: choose with it first, without `--held-out`")
    return found


def gains_of(metrics: list[Metric], way: str) -> list[float]:
    """What a way gained, on every dataset."""
    return [metric.value for metric in metrics if metric.conditions.startswith(f"{way}, ")]


def chosen(metrics: list[Metric], ways: Changes) -> str:
    """The way that gained most, as a mean over the datasets.

    Raises:
        CraftError: if none of them was tried.
    """
    tried = [way for way in ways if gains_of(metrics, way)]
    if not tried:
        raise CraftError(f"the monitor judged none of {', '.join(ways)}; try one with `--way` first")
    return max(tried, key=lambda way: mean(gains_of(metrics, way)))


def measure(
    config: "Config", dataset: str, ways: list[str], seeds: list[int], budget: int, states: int, images: int, role: str
) -> list[Metric]:
    """What ways gained on one dataset under the judge of a role, their trainings in turn.

    Args:
        config: of the run, whose results folder holds what the trainings need.
        dataset: of the configuration.
        ways: some of `WAYS`.
        seeds: name the draws of one training each.
        budget: UNet evaluations that a training may spend; it takes one step at least.
        states: of a training that are judged.
        images: that are judged of a state.
        role: whose CAS and diversity count.
    """
    from trial import Trial

    trials = {way: Trial.load(config, dataset, way, role, images) for way in ways}
    steps = {way: trial.steps_within(budget, seeds[0]) for way, trial in trials.items()}
    found: dict[str, list[list[State]]] = {way: [] for way in ways}
    seconds = dict.fromkeys(ways, 0.0)
    for seed in seeds:
        for way, trial in trials.items():
            started = time.perf_counter()
            found[way].append(trial.run(seed, steps[way], states))
            seconds[way] += time.perf_counter() - started
            print(f"{way}, {dataset}, seed {seed}: {describe(found[way][-1])}", flush=True)
    metrics = []
    for way in ways:
        spent = mean(trained[-1].evaluations for trained in found[way])
        each = "; ".join(f"seed {seed}: {describe(trained)}" for seed, trained in zip(seeds, found[way], strict=True))
        conditions = (
            f"{way}, {dataset}, {steps[way]} steps, {spent:.0f} UNet evaluations, {seconds[way] / len(seeds):.0f} s"
            f" with the judging; CAS (diversity over real images') of the role {role} on {images} images, at the start"
            f" and along every training: {each}"
        )
        value = mean(diverse_gain(trained) for trained in found[way])
        metrics.append(Metric(f"{role}_diverse_gain_{dataset}_{way}", value, UNIT, "higher", None, conditions))
    return metrics


def diverse_gain(states: list["State"]) -> float:
    """Largest CAS that a diverse state gained over the first one, per 1000 evaluations of the whole training."""
    gains = [state.cas - states[0].cas for state in states[1:] if state.diversity >= DIVERSE]
    return 1000 * max([0.0, *gains]) / states[-1].evaluations


def describe(states: list["State"]) -> str:
    """CAS and diversity of states, in a line."""
    return ", ".join(f"{state.cas:.3f} ({state.diversity:.2f})" for state in states)


def compare(metrics: list[Metric], ways: list[str], role: str) -> list[Metric]:
    """The gain of the first way over that of the second, TRL's recipe; nothing where the recipe gained nothing."""
    ours, theirs = (mean(gains_of(metrics, way)) for way in ways)
    if theirs == 0:
        print(f"{ways[1]} has no diverse state that gained anything, so that there is no ratio to it")
        return []
    conditions = (
        f"{ways[0]} over {ways[1]}, both chosen with the monitor, their trainings in turn; gain per 1000 UNet"
        f" evaluations, mean over {len(metrics) // 2} datasets, at a diversity of at least {DIVERSE} of real images'"
    )
    return [Metric(f"{role}_gain_ratio_to_trl_recipe", ours / theirs, "1", "higher", GOAL, conditions)]


if __name__ == "__main__":
    run(main)
