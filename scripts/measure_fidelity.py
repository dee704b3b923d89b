"""Measure how like real images the generated ones of one dataset are."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_parquet
from craft.evaluation.fidelity.settings import FidelityJob


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
    output: Annotated[Path, typer.Option(help="fidelity of every method and seed (written)")],
) -> None:
    """Measure FID, KID, precision, recall, density, coverage and diversity of all methods against real test images."""
    job = FidelityJob.load(settings)
    with lease_device() if job.fidelity.inception else nullcontext("cpu") as device:
        from craft.evaluation.fidelity.measure import measure_fidelity

        write_parquet(output, measure_fidelity(job, images, features, generated, embeddings, device))


if __name__ == "__main__":
    run(main)
