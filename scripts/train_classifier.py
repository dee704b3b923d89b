"""Train the downstream classifiers of a dataset on real, synthetic and mixed images."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_parquet
from craft.evaluation.downstream.settings import DownstreamJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    generated: Annotated[
        list[Path], typer.Option(help="image table of generated images; repeated, in the order of the settings")
    ],
    predictions: Annotated[Path, typer.Option(help="predictions on the real test images (written)")],
) -> None:
    """Train the downstream classifiers of a dataset and predict its real test images."""
    job = DownstreamJob.load(settings)
    with lease_device() as device:
        from craft.evaluation.downstream.arms import compare_arms

        write_parquet(predictions, compare_arms(job, images, generated, device))


if __name__ == "__main__":
    run(main)
