"""Sample the synthetic images of one dataset, method and seed."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.training.settings import GenerationJob


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    images: Annotated[Path, typer.Option(help="image table to write")],
    adapter: Annotated[Path | None, typer.Option(help="adapter folder; without one, the foundation as it is")] = None,
) -> None:
    """Sample the same number of images of every label; equal seeds start from equal noise in every method."""
    job = GenerationJob.load(settings)
    with lease_device() as device:
        from craft.core.images import write_images
        from craft.knowledge.schema import Knowledge
        from craft.models.foundation import Foundation
        from craft.training.generation import generate_table

        foundation = Foundation.load(job.foundation, adapter=adapter, device=device)
        write_images(images, generate_table(foundation, job, Knowledge.load(knowledge)))


if __name__ == "__main__":
    run(main)
