"""Where a run's tables lie below its results folder, and how they are read together."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from craft.core.config.base import REAL
from craft.core.errors import CraftError
from craft.core.settings import TableSettings

SETTINGS = "tables/settings/collect_tables.yaml"
DIMENSIONS = ("alignment", "specificity", "checklist", "plausibility")
SCORE_COLUMNS = ("image_id", "dataset", "method", "seed", "label", "evaluator", "role", *DIMENSIONS, "cas", "agrees")
PREDICTION_COLUMNS = ("dataset", "method", "seed", "image_id", "label", "predicted", "probabilities")
FIDELITY_COLUMNS = ("dataset", "method", "seed", "evaluator", "role", "metric", "value", "n", "draws")
AUDIT_COLUMNS = ("image_id", "dataset", "method", "seed", "label", "item", "facet", "weight", "auditor", "answer")
# ways of comparing an image with training images (`craft.evaluation.memorization.search`)
MEASURES = ("features", "l2", "ssim")
NEIGHBOUR_COLUMNS = (
    *("image_id", "dataset", "method", "seed", "label", "evaluator"),
    *(f"{measure}_{what}" for measure in MEASURES for what in ("distance", "ratio", "neighbour", "copied")),
    *("mirrored", "down", "right"),
)
MEMBERSHIP_COLUMNS = (
    *("image_id", "dataset", "method", "seed", "label", "evaluator", "split"),
    *("features_distance", "l2_distance"),
)
VALIDITY_COLUMNS = ("study", "dataset", "method", "evaluator", "role", "dimension", "condition", "level", "metric")
VALIDITY_COLUMNS += ("value", "low", "high", "n", "seeds", "source")
TRUTH = "truth"

Missing = Literal["error", "skip"]


def load_run(results: Path) -> TableSettings:
    """Datasets with their labels, methods and seeds of the run in a results folder."""
    return TableSettings.load(Path(results) / SETTINGS)


def run_file(dataset: str, method: str, seed: int | str, name: str) -> str:
    """Path of a run's file below the results folder; `seed` may be `*`."""
    return f"{dataset}/{method}/seed{seed}/{name}"


def scores_source(dataset: str, method: str) -> str:
    """The score files of a method, below the results folder."""
    return run_file(dataset, method, "*", "scores.parquet")


def seeds_of(method: str, run: TableSettings) -> list[int]:
    """Generator seeds of a method; real images are there once, under seed 0."""
    return [0] if method == REAL else run.seeds


def read_scores(results: Path, run: TableSettings, missing: Missing = "error") -> pd.DataFrame:
    """Scores of all images of a run: real test images first, then the methods in the order of the configuration.

    Args:
        results: results folder.
        run: what the run consists of.
        missing: whether a missing file is an error or is left out.

    Returns:
        One row per image and evaluator, columns `SCORE_COLUMNS`; without rows if every file is missing.

    Raises:
        CraftError: if a file is missing (unless skipped), lacks a column, or holds a CAS that is no number in [0, 1].
    """
    frames = []
    for dataset in run.datasets:
        for method in (REAL, *run.methods):
            for seed in seeds_of(method, run):
                path = Path(results) / run_file(dataset, method, seed, "scores.parquet")
                if path.is_file():
                    frames.append(check_scores(pd.read_parquet(path), path))
                elif missing == "error":
                    raise CraftError(f"no score table {path}: run `snakemake {path}` first")
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(SCORE_COLUMNS))


def check_scores(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The score table as it was read, in the columns `SCORE_COLUMNS`.

    Raises:
        CraftError: if it is empty, lacks a column, or holds a score that is no number in [0, 1].
    """
    require_columns(frame, SCORE_COLUMNS, path)
    if frame.empty:
        raise CraftError(
            f"{path} has no row: the images it scores are missing; run `snakemake --forcerun score_images`"
        )
    judged = frame["role"] != TRUTH
    for column, rows in {"cas": frame, **{name: frame[judged] for name in DIMENSIONS}}.items():
        bad = rows[~rows[column].between(0, 1)]
        if len(bad):
            first = bad.iloc[0]
            raise CraftError(
                f"{path}: the {column} of image {first['image_id']} under evaluator {first['evaluator']!r} is"
                f" {first[column]}, expected a number in [0, 1]; run `snakemake --forcerun calibrate_cas` and"
                " see its log if that does not help"
            )
    return frame[list(SCORE_COLUMNS)].astype({"agrees": "object"})


def read_predictions(results: Path, run: TableSettings) -> pd.DataFrame:
    """Predictions of the downstream classifiers on the real test images of all datasets, columns `PREDICTION_COLUMNS`.

    Raises:
        CraftError: if a dataset's file is missing, lacks a column or has no row.
    """
    return read_files(results, run, "downstream.parquet", PREDICTION_COLUMNS, "downstream predictions")


def read_audits(results: Path, run: TableSettings) -> pd.DataFrame:
    """Answers of the auditors to the checklist items of all datasets' images, columns `AUDIT_COLUMNS`.

    Raises:
        CraftError: if a dataset's file is missing, lacks a column or has no row.
    """
    return read_files(results, run, "audit.parquet", AUDIT_COLUMNS, "audit")


def read_files(results: Path, run: TableSettings, name: str, columns: tuple[str, ...], what: str) -> pd.DataFrame:
    """The files of one name of all datasets, under each other.

    Raises:
        CraftError: if a dataset's file is missing, lacks a column or has no row.
    """
    frames = []
    for dataset in run.datasets:
        path = Path(results) / dataset / name
        if not path.is_file():
            raise CraftError(f"no {what} {path}: run `snakemake {path}` first")
        frame = pd.read_parquet(path)
        require_columns(frame, columns, path)
        if frame.empty:
            raise CraftError(f"{path} has no row: run `snakemake --force {path}`")
        frames.append(frame[list(columns)])
    return pd.concat(frames, ignore_index=True)


def read_fidelity(results: Path, run: TableSettings) -> pd.DataFrame:
    """Fidelity of every dataset, method, seed, evaluator and metric, columns `FIDELITY_COLUMNS`.

    Raises:
        CraftError: if a dataset's file is missing, lacks a column, has no row or holds a value that is not finite.
    """
    frames = []
    for dataset in run.datasets:
        path = Path(results) / dataset / "fidelity.parquet"
        if not path.is_file():
            raise CraftError(f"no fidelity {path}: run `snakemake {path}` first")
        frame = pd.read_parquet(path)
        require_columns(frame, FIDELITY_COLUMNS, path)
        if frame.empty or not np.isfinite(frame["value"]).all():
            raise CraftError(
                f"{path} has no row or a value that is not finite; run `snakemake --forcerun measure_fidelity`"
            )
        frames.append(frame[list(FIDELITY_COLUMNS)])
    return pd.concat(frames, ignore_index=True)


def read_validity(results: Path, run: TableSettings, missing: Missing = "error") -> pd.DataFrame:
    """The validity studies of all datasets, columns `VALIDITY_COLUMNS`; without rows if every file is missing.

    Raises:
        CraftError: if a dataset's file is missing (unless skipped), lacks a column or has no row.
    """
    frames = []
    for dataset in run.datasets:
        path = Path(results) / dataset / "validity.parquet"
        if missing == "skip" and not path.is_file():
            continue
        frame = pd.read_parquet(require_file(path, "validity table"))
        require_columns(frame, VALIDITY_COLUMNS, path)
        if frame.empty:
            raise CraftError(f"{path} has no row: run `snakemake --forcerun check_validity` again")
        frames.append(frame[list(VALIDITY_COLUMNS)])
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(VALIDITY_COLUMNS))


def read_histories(results: Path, run: TableSettings, method: str) -> pd.DataFrame:
    """Training histories of a method, with columns `dataset` and `seed` in front; missing ones are left out."""
    frames = []
    for dataset in run.datasets:
        for seed in run.seeds:
            path = Path(results) / run_file(dataset, method, seed, "history.parquet")
            if path.is_file():
                frames.append(pd.read_parquet(path).assign(dataset=dataset, seed=seed))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["dataset", "seed", "step"])


def kept_states(history: pd.DataFrame) -> pd.DataFrame:
    """What a reward method's runs kept, one row a run: the step, and the diversity as a share of the start's.

    Args:
        history: of `read_histories`.
    """
    rows = []
    for (dataset, seed), run in history.groupby(["dataset", "seed"], sort=False):
        checks = run.dropna(subset=["monitor"])
        start, kept = checks.iloc[0], checks[checks["best"].astype(bool)].iloc[-1]
        kinds = ("diversity", "semantic_diversity")
        shares = {kind: kept[kind] / start[kind] if start[kind] else 1.0 for kind in kinds}
        stopped = checks["stopped_because"].dropna().any() if "stopped_because" in checks else False
        rows.append({"dataset": dataset, "seed": seed, "step": int(kept["step"]), "stopped": bool(stopped), **shares})
    return pd.DataFrame(rows)


def require_file(path: Path, what: str) -> Path:
    """The path of a file that is there; a CraftError that says how to make it if it is not."""
    if not Path(path).is_file():
        raise CraftError(f"no {what} {path}: run `snakemake {path}` first")
    return path


def require_columns(frame: pd.DataFrame, columns: tuple[str, ...], path: Path) -> None:
    """Raise a CraftError that names the first missing column of a table."""
    if missing := [name for name in columns if name not in frame.columns]:
        raise CraftError(f"{path}: the column {missing[0]!r} is missing; delete the file and run snakemake again")
