"""Train the downstream classifiers of a dataset on real, synthetic and mixed images."""

from contextlib import nullcontext
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
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    generated: Annotated[
        list[Path], typer.Option(help="image table of generated images; repeated, in the order of the settings")
    ],
    embeddings: Annotated[
        list[Path], typer.Option(help="feature file of generated images; repeated, in the same order")
    ],
    predictions: Annotated[Path, typer.Option(help="predictions on the real test images (written)")],
) -> None:
    """Train the downstream classifiers of a dataset and predict its real test images."""
    job = DownstreamJob.load(settings)
    with lease_device() if job.downstream.trains_networks else nullcontext("cpu") as device:
        from craft.evaluation.downstream.classify import compare_arms

        write_parquet(predictions, compare_arms(job, images, features, generated, embeddings, device))


if __name__ == "__main__":
    run(main)
