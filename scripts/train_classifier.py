"""Train the downstream classifiers of a dataset on real, synthetic and mixed images."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_parquet
from craft.core.settings import DownstreamSettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    folder: Annotated[Path, typer.Option(help="results folder of the dataset, with the generated images")],
    predictions: Annotated[Path, typer.Option(help="predictions on the real test images (written)")],
) -> None:
    """Train the downstream classifiers of a dataset and predict its real test images."""
    job = DownstreamSettings.load(settings)
    with lease_device() as device:
        from craft.evaluation.downstream.arms import compare_arms

        write_parquet(predictions, compare_arms(job, images, folder, device))


if __name__ == "__main__":
    run(main)
