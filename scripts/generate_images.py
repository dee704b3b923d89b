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
    cost: Annotated[Path, typer.Option(help="table of what the sampling took, to write")],
    adapter: Annotated[Path | None, typer.Option(help="adapter folder; without one, the foundation as it is")] = None,
    real: Annotated[Path | None, typer.Option(help="image table of real images, where images are chosen")] = None,
    features: Annotated[Path | None, typer.Option(help="feature file of the dataset, where images are chosen")] = None,
    calibration: Annotated[Path | None, typer.Option(help="calibration of CAS, where images are chosen")] = None,
) -> None:
    """Sample the same number of images of every label; equal seeds start from equal noise in every method."""
    job = GenerationJob.load(settings)
    from craft.core.memory import explain_memory

    mend = f"lower `generation.batch` (now {job.generation.batch})"
    with lease_device() as device, explain_memory("the sampling", mend):
        from craft.core.files import write_parquet
        from craft.core.images import write_images
        from craft.knowledge.schema import Knowledge
        from craft.models.foundation import Foundation
        from craft.training.generation import cost_table, generate_table
        from craft.training.methods.base import MethodFiles

        known = Knowledge.load(knowledge)
        foundation = Foundation.load(job.foundation.path, adapter, device, job.resolution, **job.foundation.hub)
        if job.selection:
            files = MethodFiles(real, None, knowledge, features, calibration)
            rows = job.selection.choose(foundation, job, known, files, device)
        else:
            rows = generate_table(foundation, job, known)
        count = write_images(images, rows)
        write_parquet(cost, cost_table(foundation, job, count))


if __name__ == "__main__":
    run(main)
