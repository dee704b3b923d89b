"""Read the labelled images of one dataset, bring them to one size and split them by patient."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.files import write_parquet
from craft.datasets.settings import PrepareJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table to write")],
    quarantine: Annotated[Path, typer.Option(help="table of the files that are left out, with the reason")],
) -> None:
    """Write the image table of one dataset and the table of what was left out of it."""
    job = PrepareJob.load(settings)
    from craft.core.images import write_images
    from craft.datasets.prepare import prepare

    rows, left_out = prepare(job.dataset, job.images, job.resolution)
    write_parquet(quarantine, left_out)
    write_images(images, rows)


if __name__ == "__main__":
    run(main)
