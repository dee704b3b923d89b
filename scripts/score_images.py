"""Score the real test images and the synthetic images of all methods of one dataset under every evaluator."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.config.base import REAL
from craft.core.device import lease_device
from craft.core.files import write_parquet, write_tensors
from craft.core.settings import ScoreSettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    calibration: Annotated[Path, typer.Option(help="calibration of CAS")],
    folder: Annotated[
        Path, typer.Option(help="folder of the dataset; scores and features land beside each run's images")
    ],
) -> None:
    """Write the scores of every run, one row an image and evaluator, and the features of its images."""
    run_settings = ScoreSettings.load(settings)
    with lease_device() as device:
        from craft.core.images import read_images
        from craft.evaluation.scoring.scorer import Scorer
        from craft.knowledge.schema import Knowledge
        from craft.reward.features import Features

        known = Features(features, read_images(images), Knowledge.load(knowledge))
        scorer = Scorer.load(run_settings, known, calibration, device)
        for method, seed in run_settings.runs:
            run_folder = folder / method / f"seed{seed}"
            if method == REAL:
                frame = scorer.score_real()
            else:
                frame, encoded = scorer.score(run_folder / "images.parquet", method, seed)
                write_tensors(run_folder / "features.safetensors", encoded)
            write_parquet(run_folder / "scores.parquet", frame)


if __name__ == "__main__":
    run(main)
