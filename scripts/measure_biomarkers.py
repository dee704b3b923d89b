"""Measure the biomarkers of the real images and of the generated images of all methods of one dataset."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    generated: Annotated[
        list[Path], typer.Option(help="image table of generated images; repeated, in the order of the settings")
    ],
    output: Annotated[Path, typer.Option(help="measures and structures found, one row per image (written)")],
) -> None:
    """Measure the images of a dataset, and look for the anatomy that every image of its modality shows."""
    from craft.core.files import write_parquet
    from craft.evaluation.biomarkers.measure import measure_dataset
    from craft.evaluation.biomarkers.settings import MeasureJob

    write_parquet(output, measure_dataset(MeasureJob.load(settings), images, generated))


if __name__ == "__main__":
    run(main)
