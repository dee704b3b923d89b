"""Find the nearest real image that the run saw of every generated and every real test image of one dataset."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.files import write_parquet
from craft.evaluation.memorization.settings import MemorizationJob


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
    neighbours: Annotated[Path, typer.Option(help="nearest seen image of every image (written)")],
    membership: Annotated[Path, typer.Option(help="distance of every real image to the generated ones (written)")],
    twins: Annotated[Path | None, typer.Option(help="table of the dataset's twins, which set no threshold")] = None,
) -> None:
    """Search generated images for copies of real images that the run saw."""
    job = MemorizationJob.load(settings)
    from craft.evaluation.memorization.search import search_copies

    nearest, members = search_copies(job, images, features, generated, embeddings, twins)
    write_parquet(neighbours, nearest)
    write_parquet(membership, members)


if __name__ == "__main__":
    run(main)
