"""What a training leaves behind: its history, and the images of the guard's checks; how both are read."""

from pathlib import Path

import pandas as pd

from craft.core.costs import MEMORY, SPENT
from craft.core.errors import CraftError
from craft.core.reading import read_frame

# what the loop writes of every step, beside the terms of the loss
LOOP_COLUMNS = {
    "step": "0 at the start, then 1, 2, ...; adapters that are trained without a guard begin at 1",
    "loss": "what is minimised",
    "gradient_norm": "length of the gradient before it is shortened",
    "learning_rate": "of the step",
    "skipped": "the term that was NaN or infinite, where the step changed no weight for it",
    "images_per_second": "speed of the step",
    "peak_memory_mb": "largest memory so far",
    "unet_evaluations": "UNet evaluations so far, preparation and checks included: an image's forward pass is one, its"
    " backward pass two",
    "cpu_seconds": "processor time so far",
    "gpu_seconds": "time so far on a GPU, of all processes; 0 without one",
}
# the terms of the CRAFT loss; the mean calibrated dimensions of CAS stand beside them under their own names
REWARD_COLUMNS = {
    "reward": "mean reward of the generated images",
    "pull": "how far their rewards lie from where `objective.match` wants them",
    "anchor": "distance to the frozen adapter of the start",
    "denoising": "denoising loss on real images",
}
# the terms of trainings on a pool of the model's own images, and of prior preservation
POOL_COLUMNS = {
    "pool": "weighted denoising loss on images of the pool",
    "preference": "loss on pairs of the pool",
    "margin": "how much nearer the winners, and farther from the losers, the adapter is than the frozen start",
    "further": "denoising loss on images of the prior, weighted",
}
# further terms, where their settings ask for them
DIVERSITY_COLUMNS = {
    "diversity_lack": "how much nearer they stand to earlier ones of their label than two real images to each other"
}
DIRECT_COLUMNS = {
    "age": "mean number of steps since the samples were made",
    "share_low": "share of the samples that were noised to the lowest third of the levels",
    "share_middle": "to the middle third",
    "share_high": "to the highest third",
    "reward_low": "what these add to the mean reward; divided by their share, it is their own mean",
    "reward_middle": "the same of the middle third",
    "reward_high": "the same of the highest third",
}
# what the guard adds at its checks; empty at all other steps
GUARD_COLUMNS = {
    "monitor": "mean CAS of the fixed noise under the monitor evaluator",
    "likeness": "mean raw plausibility of the fixed noise under the monitor's vision encoder, at least 0",
    "diversity": "mean distance of two of that encoder's directions of one label",
    "semantic_diversity": "mean distance of two of the monitor evaluator's embeddings of one label",
    "shift": "largest distance of mean colours and contrast from real images', in their standard deviations",
    "fault": "what is wrong with this state, or ''",
    "best": "whether this is the state that was kept",
    "stopped_because": "why the training ended here, before its last step",
}
# what sampling the images of one method and seed took: one row
COST_COLUMNS = ("dataset", "method", "seed", "images", *SPENT, MEMORY)
AGAIN = "delete the file and run snakemake again"
CHECK_COLUMNS = ("step", "number", "label", "image")


def read_history(path: Path) -> pd.DataFrame:
    """The history of one training, one row per step; see the columns above.

    Raises:
        CraftError: if the file is missing or has no column `step`.
    """
    if not Path(path).is_file():
        raise CraftError(f"no training history {path}: run `snakemake {path}` first")
    return require_columns(read_frame(path, AGAIN), ("step",), path)


def kept_states(history: pd.DataFrame) -> pd.DataFrame:
    """What the trainings of a reward method kept, one row per training.

    Args:
        history: of `read_history`, with the columns `dataset` and `seed` beside; several may stand under each other.

    Returns:
        Columns dataset, seed, step, stopped (whether the guard ended it), and the diversity and semantic_diversity as
        shares of the start's.
    """
    rows = []
    for (dataset, seed), steps in history.groupby(["dataset", "seed"], sort=False):
        checks = steps.dropna(subset=["monitor"])
        start, kept = checks.iloc[0], checks[checks["best"].astype(bool)].iloc[-1]
        kinds = ("diversity", "semantic_diversity")
        shares = {kind: kept[kind] / start[kind] if start[kind] else 1.0 for kind in kinds}
        stopped = checks["stopped_because"].dropna().any() if "stopped_because" in checks else False
        rows.append({"dataset": dataset, "seed": seed, "step": int(kept["step"]), "stopped": bool(stopped), **shares})
    return pd.DataFrame(rows)


def read_checks(path: Path) -> pd.DataFrame:
    """The images of a reward method's fixed noise at every check: step, number of the noise, label and PNG bytes.

    Raises:
        CraftError: if the file is missing, lacks a column, has no row, or its checks show different noise.
    """
    if not Path(path).is_file():
        raise CraftError(f"no images of the guard's checks {path}: run `snakemake {path}` first")
    frame = require_columns(read_frame(path, AGAIN), CHECK_COLUMNS, path)
    shown = {tuple(part["number"]) for _, part in frame.groupby("step")}
    if len(shown) != 1:
        raise CraftError(f"{path}: expected the same noise at every check; {AGAIN}")
    return frame


def require_columns(frame: pd.DataFrame, columns: tuple[str, ...], path: Path) -> pd.DataFrame:
    """The table itself; a CraftError that names the first column it lacks."""
    if missing := [name for name in columns if name not in frame.columns]:
        raise CraftError(f"{path}: the column {missing[0]!r} is missing; {AGAIN}")
    return frame
