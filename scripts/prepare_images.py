"""Read the labelled images of one dataset, bring them to one size and split them by patient."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.files import write_csv, write_parquet, write_private, write_text
from craft.datasets.settings import PrepareJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table to write")],
    quarantine: Annotated[Path, typer.Option(help="table of the unusable files, with the reason")],
    left_out: Annotated[Path | None, typer.Option(help="CSV: all that was left out, by reason and raw value")] = None,
    counts: Annotated[Path | None, typer.Option(help="CSV: images by label and split")] = None,
    twins: Annotated[Path | None, typer.Option(help="CSV: pairs of images that are nearly the same")] = None,
    files: Annotated[Path | None, typer.Option(help="CSV: the file of every image, for the owner alone")] = None,
    report: Annotated[Path | None, typer.Option(help="text: all of it in words")] = None,
) -> None:
    """Write the image table of one dataset and the tables of what became of its files."""
    job = PrepareJob.load(settings)
    from craft.core.images import write_images
    from craft.datasets.prepare import prepare

    made = prepare(job.dataset, job.images, job.resolution)
    write_parquet(quarantine, made.quarantine)
    for path, table in ((left_out, made.left_out), (counts, made.counts), (twins, made.twins)):
        if path:
            write_csv(path, table)
    if files:
        write_private(files, made.files.to_csv(index=False))
    if report:
        write_text(report, made.report)
    write_images(images, made.rows)


if __name__ == "__main__":
    run(main)
