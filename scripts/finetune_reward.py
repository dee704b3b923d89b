"""Reward-finetune (CRAFT) the supervised adapter of one dataset, method and seed."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import atomic_path, write_parquet
from craft.core.settings import MethodSettings

SCRIPT = "finetune_reward"


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table")],
    latents: Annotated[Path, typer.Option(help="latents of the training images")],
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    calibration: Annotated[Path, typer.Option(help="calibration of CAS")],
    start: Annotated[Path, typer.Option(help="supervised adapter to start from")],
    adapter: Annotated[Path, typer.Option(help="adapter folder to write")],
    history: Annotated[Path, typer.Option(help="training history to write")],
    preview: Annotated[Path, typer.Option(help="picture of the same noise before, during and after, to write")],
    checks: Annotated[Path, typer.Option(help="images of that noise at every check, to write")],
) -> None:
    """Finetune an adapter on the clinical reward, resuming where a run was interrupted."""
    run_settings = MethodSettings.load(settings)
    with lease_device() as device:
        import pandas as pd

        from craft.training.checkpoints import checkpoint_folder
        from craft.training.checks import collect_checks
        from craft.training.craft import CHECKS, train_reward
        from craft.training.ingredients import Ingredients
        from craft.training.preview import write_preview
        from craft.training.processes import is_main_process

        files = {"images": images, "latents": latents, "features": features, "knowledge": knowledge}
        files |= {"calibration": calibration, "start": start}
        given = Ingredients.load(run_settings, **files, device=device)
        checkpoints = checkpoint_folder(adapter, run_settings.model_dump(mode="json"), SCRIPT, list(files.values()))
        seed = f"{run_settings.dataset}/{run_settings.method}/{run_settings.seed}"
        rows, pictures = train_reward(run_settings.spec, run_settings.sampling, given, seed, checkpoints)
        if is_main_process():
            write_parquet(history, pd.DataFrame(rows))
            steps = [row["step"] for row in rows if "monitor" in row]
            write_preview(preview, pictures, steps)
            write_parquet(checks, collect_checks(checkpoints / CHECKS, steps))
            with atomic_path(adapter) as folder:
                given.foundation.save_adapter(folder)
                run_settings.save(folder / "settings.yaml")


if __name__ == "__main__":
    run(main)
