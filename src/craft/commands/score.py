"""`craft score`: score anyone's images by how well they show their label."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from craft.core.errors import CraftError


def command(
    images: Annotated[Path, typer.Argument(help="image folder (labels.csv or class sub-folders) or parquet table")],
    dataset: Annotated[str, typer.Option(help="dataset of the run to compare with, or its modality")],
    output: Annotated[Path, typer.Option(help="scores to write: .csv or .parquet, one row per image")],
    run: Annotated[Path, typer.Option(help="results folder of a finished run")] = Path("results"),
    evaluator: Annotated[str | None, typer.Option(help="of the run; by default the first held-out one")] = None,
    label_column: Annotated[str, typer.Option(help="column of labels.csv or the table that holds the label")] = "label",
    rename: Annotated[list[str] | None, typer.Option(help="OWN=RUN: the run's name of a label; repeatable")] = None,
    summary: Annotated[Path | None, typer.Option(help="CSV file for the summary that is printed")] = None,
    bit_depth: Annotated[
        int | None, typer.Option(min=8, max=16, help="significant bits of 16-bit grey values that no header states")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="threads that decode; by default one per core")] = None,
) -> None:
    """Score any images by how well they show their label, beside real test images.

    Example:
      craft score my_images --dataset dermoscopy --output scores.csv
    """
    writer = choose_writer(output)
    names = parse_renames(rename or [])
    from craft.core.device import lease_device

    with lease_device() as device:
        from craft.core.files import write_csv
        from craft.evaluation.scoring.score import describe, score_images, summarise
        from craft.evaluation.scoring.yardstick import Yardstick

        yardstick = Yardstick.load(run, dataset, evaluator, device)
        frame = score_images(yardstick, images, None, names, label_column, threads, bit_depth)
        table = summarise(frame, yardstick)
    writer(output, frame)
    if summary:
        write_csv(summary, table)
    print(describe(table, yardstick))


def choose_writer(output: Path) -> Callable:
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
