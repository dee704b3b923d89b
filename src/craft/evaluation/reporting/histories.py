"""The training histories of a run: those of a method under each other, and the states that reward methods kept."""

from pathlib import Path

import pandas as pd

from craft.core.errors import CraftError
from craft.evaluation.results import Results, set_file
from craft.training.results import kept_states, read_history
from craft.training.settings import MethodJob

KEPT_COLUMNS = ("method", "dataset", "seed", "step", "stopped", "diversity", "semantic_diversity")


def read_histories(results: Results, method: str) -> pd.DataFrame:
    """Histories of a method's trainings, columns dataset and seed in front; missing files are left out."""
    frames = []
    for dataset in results.run.datasets:
        for seed in results.run.seeds:
            path = results.folder / set_file(dataset, method, seed, "history.parquet")
            if path.is_file():
                frames.append(of_training(read_history(path), dataset, seed))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["dataset", "seed", "step"])


def of_training(history: pd.DataFrame, dataset: str, seed: int) -> pd.DataFrame:
    """A history with the dataset and the seed of its training in front."""
    return pd.concat([pd.DataFrame({"dataset": dataset, "seed": seed}, index=history.index), history], axis=1)


def pair_trainings(settings: list[Path], histories: list[Path]) -> list[tuple[MethodJob, pd.DataFrame]]:
    """The settings of trainings, each with the history that it left behind.

    Args:
        settings: of the jobs that trained adapters.
        histories: one for each, in the same order.

    Raises:
        CraftError: if there are more or fewer histories than settings, or a file is missing.
    """
    if len(settings) != len(histories):
        raise CraftError(
            f"`--settings` gives {len(settings)} files and `--histories` {len(histories)}; give one history for each"
            " settings file, in the same order"
        )
    jobs = [MethodJob.load(path) for path in settings]
    return [
        (job, of_training(read_history(path), job.dataset, job.seed)) for job, path in zip(jobs, histories, strict=True)
    ]


def read_kept_states(trainings: list[tuple[MethodJob, pd.DataFrame]]) -> pd.DataFrame:
    """The states that reward methods kept, one row per training, columns `KEPT_COLUMNS`.

    Trainings without a guard keep their last state and have no row. The index names the history of every training.

    Args:
        trainings: as `pair_trainings` returns them.
    """
    kept = [
        kept_states(history).assign(method=job.method)
        for job, history in trainings
        if "monitor" in history and history["monitor"].notna().any()
    ]
    frame = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=list(KEPT_COLUMNS))
    files = [set_file(row.dataset, row.method, row.seed, "history.parquet") for row in frame.itertuples()]
    return frame[list(KEPT_COLUMNS)].set_axis(files)
