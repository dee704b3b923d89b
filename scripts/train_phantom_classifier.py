"""Train the classifier of phantoms, on phantoms that nothing else saw."""

import time
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import atomic_path
from craft.training.settings import ClassifierJob


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    output: Annotated[Path, typer.Option(help="model folder to write")],
) -> None:
    """Render fresh phantoms, train a ResNet on their labels and save it as a transformers folder."""
    job, started = ClassifierJob.load(settings), time.monotonic()
    with lease_device() as device:
        from craft.models.provenance import PHANTOM, write_provenance
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.phantom_classifier import train_phantom_classifier

        resolved = job.model_dump(mode="json")
        checkpoints = checkpoint_folder(output, resolved, "train_phantom_classifier", [])
        model, metrics = train_phantom_classifier(job.training, job.labels, job.resolution, checkpoints, device)
        with atomic_path(output) as folder:
            model.save(folder)
            write_provenance(
                folder,
                name="CRAFT classifier of phantoms",
                summary="A label classifier of phantoms, trained on phantoms that no other model saw.",
                script="train_phantom_classifier",
                settings=resolved,
                images={f"{PHANTOM}:{', '.join(job.labels)}": job.training.images},
                metrics=metrics,
                started=started,
            )


if __name__ == "__main__":
    run(main)
