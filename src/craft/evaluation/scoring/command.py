"""`craft score` and `craft.score`: the CAS of anyone's images, beside that of real ones."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from craft.core.cli import run as run_command
from craft.core.errors import CraftError
from craft.core.progress import track

if TYPE_CHECKING:
    import pandas as pd

    from craft.evaluation.scoring.reference import Reference

log = logging.getLogger(__name__)

BATCH = 64
# unreadable images that are named; the rest is counted
SHOWN = 5


def score(
    images: "Path | str | Sequence",
    labels: Sequence[str] | None = None,
    modality: str = "",
    evaluator: str | None = None,
    *,
    run: Path | str = "results",
    rename: Mapping[str, str] | None = None,
    device: str = "cpu",
) -> "pd.DataFrame":
    """CAS of images with their intended labels.

    Args:
        images: a folder with `labels.csv` or one sub-folder for each label, a parquet table, or a sequence of paths,
            PIL images and uint8 arrays. They may have any size: the centred square is brought to the size of the run.
        labels: of a sequence; None for a folder or table, which have their own.
        modality: a dataset of the run, or the modality of exactly one.
        evaluator: an evaluator of the run; without a name, the first that no reward saw.
        run: results folder of a finished run, which holds the reference images, the calibration and the threshold.
        rename: label of the images -> label of the run.
        device: where the evaluator runs.

    Returns:
        One row an image: `file`, `label`, the four dimensions, `cas`, each in [0, 1], and `tail` (whether the CAS lies
        below the threshold that real test images set). Unreadable images have no row; a warning names them.

    Raises:
        CraftError: if there is no image, a label has no reference, or the run is incomplete.

    >>> craft.score(["a.jpg"], ["melanoma"], "dermoscopy", run="results")  # doctest: +SKIP
    """
    from craft.evaluation.scoring.reference import Reference

    return score_source(Reference.load(Path(run), modality, evaluator, device), images, labels, rename or {})


def score_source(
    reference: "Reference",
    images: "Path | str | Sequence",
    labels: Sequence[str] | None,
    rename: Mapping[str, str],
    label_column: str = "label",
    threads: int | None = None,
) -> "pd.DataFrame":
    """`score` against a reference that is already loaded."""
    import numpy as np
    import pandas as pd
    import torch

    from craft.core.images import to_tensor
    from craft.evaluation.scoring.sources import decode_ahead, open_source
    from craft.evaluation.statistics.tails import tail_threshold
    from craft.reward.cas import DIMENSIONS

    source = open_source(images, labels, reference.labels, rename, label_column)
    numbers = np.array([reference.labels.index(label) for label in source.labels])
    scores = np.full((len(numbers), len(DIMENSIONS)), np.nan, np.float32)
    unreadable: dict[int, str] = {}
    with track(range(len(numbers)), "score") as bar:
        for rows, pixels, bad in decode_ahead(source, reference.size, BATCH, threads or os.cpu_count() or 1):
            if len(rows):
                scores[rows] = reference.score(to_tensor(pixels), torch.from_numpy(numbers[rows]))
            unreadable |= bad
            bar.update(len(rows) + len(bad))
    warn_unreadable(source.names, unreadable)
    frame = pd.DataFrame({"file": source.names, "label": source.labels})
    frame[list(DIMENSIONS)] = scores
    frame["cas"] = scores.mean(1)
    frame["tail"] = frame["cas"] < tail_threshold(reference.real["cas"], reference.scoring.tail_quantile)
    return frame.drop(index=list(unreadable)).reset_index(drop=True)


def warn_unreadable(names: list[str], unreadable: dict[int, str]) -> None:
    """Name the images that are left out; a CraftError if none is left."""
    for row in list(unreadable)[:SHOWN]:
        log.warning("left out: %s %s", names[row], unreadable[row])
    if len(unreadable) > SHOWN:
        log.warning("left out: %d images that cannot be read in all", len(unreadable))
    if len(unreadable) == len(names):
        first = min(unreadable)
        raise CraftError(f"none of the {len(names)} images can be read; the first, {names[first]}, {unreadable[first]}")


def summarise(frame: "pd.DataFrame", reference: "Reference") -> "pd.DataFrame":
    """Means and tail rates of scored images and, beside them, of real test images of the same labels.

    Returns:
        One row for all labels and for each label, and metric (CAS, its dimensions, `tail_rate` at the run's threshold):
        `value`, `low`, `high`, `n` of the scored images, `real_value`, `real_low`, `real_high`, `real_n` of real ones.
    """
    import pandas as pd

    from craft.evaluation.statistics.intervals import bootstrap_means
    from craft.evaluation.statistics.tails import tail_threshold
    from craft.evaluation.tables import label_groups
    from craft.reward.cas import DIMENSIONS

    spec, metrics = reference.scoring, ["cas", *DIMENSIONS, "tail_rate"]
    threshold = tail_threshold(reference.real["cas"], spec.tail_quantile)
    real = reference.real.assign(tail_rate=reference.real["cas"] < threshold)
    scored = frame.rename(columns={"tail": "tail_rate"})
    draws = min(spec.bootstrap, max(50, 20_000_000 // len(frame)))
    rows = []
    for label, part in label_groups(scored, reference.labels):
        beside = real if label == "all" else real[real["label"] == label]
        columns = {
            prefix: bootstrap_means([group[metrics].to_numpy(float)], draws, spec.confidence, "score", prefix, label)
            for prefix, group in (("", part), ("real_", beside))
            if len(group)
        }
        for number, metric in enumerate(metrics):
            cells = {
                f"{prefix}{key}": value
                for prefix, estimates in columns.items()
                for key, value in asdict(estimates[number]).items()
                if key != "seeds"
            }
            rows.append({"label": label, "metric": metric} | cells)
    return pd.DataFrame(rows)


def describe(summary: "pd.DataFrame", reference: "Reference") -> str:
    """The summary as text."""
    import pandas as pd

    def cell(row: "pd.Series", prefix: str) -> str:
        value, low, high = (row.get(f"{prefix}{key}", float("nan")) for key in ("value", "low", "high"))
        return "none" if pd.isna(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"

    lines = [
        f"{reference.dataset} under {reference.evaluator} (role: {reference.role}); an image is in the tail below the"
        f" {reference.scoring.tail_quantile:.0%} quantile of real test images",
        f"{'label':24} {'metric':14} {'scored':>24} {'n':>7} {'real test images':>24} {'n':>6}",
    ]
    for _, row in summary.iterrows():
        beside = row.get("real_n", 0)
        lines.append(
            f"{row['label']:24} {row['metric']:14} {cell(row, ''):>24} {int(row['n']):7}"
            f" {cell(row, 'real_'):>24} {0 if pd.isna(beside) else int(beside):6}"
        )
    return "\n".join(lines)


def command(
    images: Annotated[Path, typer.Argument(help="image folder (labels.csv or class sub-folders) or parquet table")],
    dataset: Annotated[str, typer.Option(help="dataset of the run to compare with, or its modality")],
    output: Annotated[Path, typer.Option(help="scores to write: .csv or .parquet, one row an image")],
    run: Annotated[Path, typer.Option(help="results folder of a finished run")] = Path("results"),
    evaluator: Annotated[str | None, typer.Option(help="of the run; without it, the first held-out one")] = None,
    label_column: Annotated[str, typer.Option(help="column of labels.csv or the table that holds the label")] = "label",
    rename: Annotated[list[str] | None, typer.Option(help="OWN=RUN: the run's name of a label; repeatable")] = None,
    summary: Annotated[Path | None, typer.Option(help="CSV file for the summary that is printed")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="threads that decode; without it, one a core")] = None,
) -> None:
    """Score images by how well they show their label, and print the same of real images beside it."""
    writer = choose_writer(output)
    names = parse_renames(rename or [])
    from craft.core.device import lease_device

    with lease_device() as device:
        from craft.core.files import write_csv
        from craft.evaluation.scoring.reference import Reference

        reference = Reference.load(run, dataset, evaluator, device)
        frame = score_source(reference, images, None, names, label_column, threads)
        table = summarise(frame, reference)
    writer(output, frame)
    if summary:
        write_csv(summary, table)
    print(describe(table, reference))


def choose_writer(output: Path):
    """The function that writes a table of the file's suffix."""
    from craft.core.files import write_csv, write_parquet

    writers = {".csv": write_csv, ".parquet": write_parquet}
    if output.suffix not in writers:
        raise CraftError(f"cannot write {output}: its name must end in .csv or .parquet")
    return writers[output.suffix]


def parse_renames(renames: Sequence[str]) -> dict[str, str]:
    """Pairs OWN=RUN as a mapping."""
    if wrong := [text for text in renames if text.count("=") != 1]:
        raise CraftError(f"`--rename {wrong[0]}` names no pair; write for example `--rename mel=melanoma`")
    return dict(text.split("=") for text in renames)


if __name__ == "__main__":
    run_command(command)
