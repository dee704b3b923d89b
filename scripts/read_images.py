"""Read the images of one method that another program made."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.files import write_parquet
from craft.datasets.settings import ReadJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table to write")],
    quarantine: Annotated[Path, typer.Option(help="table of the images that are left out, with the reason")],
    counts: Annotated[Path, typer.Option(help="table to write: how many were read, and left out by reason")],
) -> None:
    """Write the image table of one method whose images another program made, and what was left out of it."""
    job = ReadJob.load(settings)
    from craft.core.images import write_images
    from craft.datasets.given import read_given

    rows, left_out, counted = read_given(job)
    write_parquet(quarantine, left_out)
    write_parquet(counts, counted)
    write_images(images, rows)


if __name__ == "__main__":
    run(main)
