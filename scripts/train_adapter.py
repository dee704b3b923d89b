"""Train the supervised LoRA adapter of one dataset, method and seed."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import atomic_path, write_parquet
from craft.core.settings import MethodSettings

SCRIPT = "train_adapter"


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table")],
    latents: Annotated[Path, typer.Option(help="latents of the training images")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    adapter: Annotated[Path, typer.Option(help="adapter folder to write")],
    history: Annotated[Path, typer.Option(help="training history to write")],
) -> None:
    """Train a LoRA adapter with the denoising loss on the training images, resuming where a run was interrupted."""
    run_settings = MethodSettings.load(settings)
    with lease_device() as device:
        import pandas as pd

        from craft.core.images import read_images
        from craft.knowledge.schema import Knowledge
        from craft.models.foundation import Foundation
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.processes import is_main_process
        from craft.training.supervised import RealImages, train_supervised

        labels = read_images(images, "train")["label"].tolist()
        foundation = Foundation.load(run_settings.foundation, device=device)
        resolved = run_settings.model_dump(mode="json")
        rows = train_supervised(
            foundation,
            run_settings.spec,
            RealImages.load(latents, labels),
            Knowledge.load(knowledge),
            f"{run_settings.dataset}/{run_settings.method}/{run_settings.seed}",
            checkpoint_folder(adapter, resolved, SCRIPT, [latents, knowledge]),
        )
        if is_main_process():
            write_parquet(history, pd.DataFrame(rows))
            with atomic_path(adapter) as folder:
                foundation.save_adapter(folder)
                run_settings.save(folder / "settings.yaml")


if __name__ == "__main__":
    run(main)
