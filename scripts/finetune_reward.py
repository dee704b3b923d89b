"""Train the adapter of one dataset, method and seed on what the reward evaluator says, under the guard's eyes."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.training.settings import MethodJob

SCRIPT = "finetune_reward"


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[Path, typer.Option(help="image table")],
    latents: Annotated[Path, typer.Option(help="latents of the training images")],
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    calibration: Annotated[Path, typer.Option(help="calibration of CAS")],
    adapter: Annotated[Path, typer.Option(help="adapter folder to write")],
    history: Annotated[Path, typer.Option(help="training history to write")],
    preview: Annotated[Path, typer.Option(help="picture of the same noise before, during and after, to write")],
    checks: Annotated[Path, typer.Option(help="images of that noise at every check, to write")],
    start: Annotated[Path | None, typer.Option(help="adapter to start from; without one, the foundation")] = None,
) -> None:
    """Finetune an adapter on the clinical reward, resuming where the training was interrupted."""
    job = MethodJob.load(settings)
    with lease_device() as device:
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.checks import write_checks
        from craft.training.methods.base import MethodFiles
        from craft.training.processes import is_main_process

        files = MethodFiles(images, latents, knowledge, features, calibration, start)
        checkpoints = checkpoint_folder(adapter, job.model_dump(mode="json"), SCRIPT, files.present())
        trained = job.training.train(job, files, checkpoints, device)
        if is_main_process():
            write_checks(trained.checks, trained.pictures, checks, preview)
            trained.save(job, adapter, history)


if __name__ == "__main__":
    run(main)
