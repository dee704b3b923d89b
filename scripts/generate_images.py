"""Sample the synthetic images of one dataset, for some methods and seeds."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.training.settings import GenerationJob


def main(
    settings: Annotated[list[Path], typer.Argument(help="settings of every image set")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    images: Annotated[list[Path], typer.Option(help="image table to write; repeat in the order of the settings")],
    cost: Annotated[list[Path], typer.Option(help="table of what the sampling took; repeat in the same order")],
    real: Annotated[Path | None, typer.Option(help="image table of real images, where images are chosen")] = None,
    features: Annotated[Path | None, typer.Option(help="feature file of the dataset, where images are chosen")] = None,
    calibration: Annotated[Path | None, typer.Option(help="calibration of CAS, where images are chosen")] = None,
) -> None:
    """Sample the same number of images of every label; equal seeds start from equal noise in every method."""
    jobs = [GenerationJob.load(path) for path in settings]
    from craft.core.memory import explain_memory

    mend = f"lower `generation.batch` (now {jobs[0].generation.batch})"
    with lease_device() as device, explain_memory("the sampling", mend):
        from craft.core.files import write_parquet
        from craft.core.images import write_images
        from craft.knowledge.schema import Knowledge
        from craft.training.generation import cost_table, sample_images
        from craft.training.methods.base import MethodFiles

        known, files = Knowledge.load(knowledge), MethodFiles(real, None, knowledge, features, calibration)
        for job, table, spent in zip(jobs, images, cost, strict=True):
            foundation, rows = sample_images(job, known, files, device)
            count = write_images(table, rows)
            write_parquet(spent, cost_table(foundation, job, count))


if __name__ == "__main__":
    run(main)
