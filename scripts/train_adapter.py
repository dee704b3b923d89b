"""Train the adapter of one dataset, method and seed on real training images."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.training.settings import MethodJob

SCRIPT = "train_adapter"


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[Path, typer.Option(help="image table")],
    latents: Annotated[Path, typer.Option(help="latents of the training images")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    adapter: Annotated[Path, typer.Option(help="adapter folder to write")],
    history: Annotated[Path, typer.Option(help="training history to write")],
    start: Annotated[Path | None, typer.Option(help="adapter to start from; without one, the foundation")] = None,
) -> None:
    """Train an adapter on the training images, resuming where the training was interrupted."""
    job = MethodJob.load(settings)
    with lease_device() as device:
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.methods.base import MethodFiles
        from craft.training.processes import is_main_process

        files = MethodFiles(images=images, latents=latents, knowledge=knowledge, start=start)
        checkpoints = checkpoint_folder(adapter, job.model_dump(mode="json"), SCRIPT, files.present())
        trained = job.training.train(job, files, checkpoints, device)
        if is_main_process():
            trained.save(job, adapter, history)


if __name__ == "__main__":
    run(main)
