"""Make the page on which every image of a run is looked at beside its scores."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.evaluation.gallery.settings import GalleryJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    results: Annotated[Path, typer.Option(help="results folder")],
    output: Annotated[Path, typer.Option(help="folder of the page (written)")],
) -> None:
    """Write the page, its data and its images into one folder; open `index.html` in any browser."""
    from craft.evaluation.gallery.write import write_gallery
    from craft.evaluation.results import Results

    count = write_gallery(Results(results, GalleryJob.load(settings)), output)
    typer.echo(f"{count} images in {output}")


if __name__ == "__main__":
    run(main)
