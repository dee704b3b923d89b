"""Read the labelled images of one dataset, bring them to one size and split them by patient."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.files import write_csv, write_parquet
from craft.datasets.settings import PrepareJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table to write")],
    quarantine: Annotated[Path, typer.Option(help="table of the unusable files, with the reason")],
    left_out: Annotated[Path, typer.Option(help="CSV table of all that was left out, by reason and raw value")],
) -> None:
    """Write the image table of one dataset and the tables of what was left out of it."""
    job = PrepareJob.load(settings)
    from craft.core.images import write_images
    from craft.datasets.prepare import prepare

    made = prepare(job.dataset, job.images, job.resolution)
    write_parquet(quarantine, made.quarantine)
    write_csv(left_out, made.left_out)
    write_images(images, made.rows)


if __name__ == "__main__":
    run(main)
