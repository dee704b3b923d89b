"""Train the label classifier that judges phantoms by their drawn truth, on phantoms that nothing else saw."""

import time
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import atomic_path
from craft.core.settings import TruthSettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    output: Annotated[Path, typer.Option(help="model folder to write")],
) -> None:
    """Render fresh phantoms, train a ResNet on their labels and save it as a transformers folder."""
    run_settings, started = TruthSettings.load(settings), time.monotonic()
    with lease_device() as device:
        from craft.models.provenance import write_provenance
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.truth import train_truth

        training, resolved = run_settings.training, run_settings.model_dump(mode="json")
        checkpoints = checkpoint_folder(output, resolved, "train_truth", [])
        model, metrics = train_truth(training, run_settings.labels, run_settings.resolution, checkpoints, device)
        with atomic_path(output) as folder:
            model.save(folder)
            write_provenance(
                folder,
                name="CRAFT truth classifier",
                summary="A label classifier of phantoms, trained on phantoms that no other model saw.",
                script="train_truth",
                settings=resolved,
                metrics=metrics,
                started=started,
            )


if __name__ == "__main__":
    run(main)
