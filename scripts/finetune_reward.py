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
) -> None:
    """Finetune an adapter on the clinical reward, resuming where a run was interrupted."""
    run_settings = MethodSettings.load(settings)
    with lease_device() as device:
        import pandas as pd

        from craft.core.images import decode_images, read_images, to_tensor
        from craft.knowledge.schema import Knowledge
        from craft.models.evaluators import ImageTextEvaluator
        from craft.models.foundation import Foundation
        from craft.reward.features import Features, read_calibration
        from craft.reward.objective import ClinicalReward
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.craft import train_reward
        from craft.training.guard import Monitor, measure_looks
        from craft.training.preview import write_preview
        from craft.training.processes import is_main_process
        from craft.training.supervised import RealImages

        frame, book = read_images(images), Knowledge.load(knowledge)
        train, calibrating = (frame[frame["split"] == split] for split in ("train", "calibration"))
        known = Features(features, frame, book)
        evaluators = {ref.role: ref for ref in run_settings.evaluators}
        reward, monitor = evaluators["reward"], evaluators["monitor"]
        maps = read_calibration(calibration, [reward.name, monitor.name])
        foundation = Foundation.load(run_settings.foundation, adapter=start, device=device)
        foundation.freeze_reference(start)
        resolved = run_settings.model_dump(mode="json")
        rows, pictures = train_reward(
            foundation,
            run_settings.spec,
            run_settings.sampling,
            ClinicalReward(
                ImageTextEvaluator.load(reward.path, device),
                known.alignment(reward.name, maps, run_settings.neighbours),
                run_settings.spec.objective,
                to_tensor(decode_images(calibrating)),
                known.label_numbers(calibrating),
            ),
            Monitor(
                ImageTextEvaluator.load(monitor.path, device),
                known.alignment(monitor.name, maps, run_settings.neighbours),
                measure_looks(to_tensor(decode_images(train))),
            ),
            RealImages.load(latents, train["label"].tolist()),
            book,
            f"{run_settings.dataset}/{run_settings.method}/{run_settings.seed}",
            checkpoint_folder(adapter, resolved, SCRIPT, [latents, features, knowledge, calibration, start]),
        )
        if is_main_process():
            write_parquet(history, pd.DataFrame(rows))
            write_preview(preview, pictures, [row["step"] for row in rows if "monitor" in row])
            with atomic_path(adapter) as folder:
                foundation.save_adapter(folder)
                run_settings.save(folder / "settings.yaml")


if __name__ == "__main__":
    run(main)
