"""Study whether CAS is a faithful proxy on one dataset."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_parquet
from craft.core.settings import ValiditySettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    calibration: Annotated[Path, typer.Option(help="calibration of CAS")],
    results: Annotated[Path, typer.Option(help="results folder, with the scores and checks of the dataset's runs")],
    output: Annotated[Path, typer.Option(help="validity table of the dataset (written)")],
) -> None:
    """Label swaps, graded damage, truth, proxy gap and each dimension's share, on one dataset."""
    job = ValiditySettings.load(settings)
    with lease_device() as device:
        from craft.core.images import read_images
        from craft.evaluation.scoring.scorer import Scorer
        from craft.evaluation.validity.study import ValidityStudy
        from craft.knowledge.schema import Knowledge
        from craft.reward.features import Features

        known = Features(features, read_images(images), Knowledge.load(knowledge))
        scorer = Scorer.load(job, known, calibration, device)
        write_parquet(output, ValidityStudy(job, scorer, results).table())


if __name__ == "__main__":
    run(main)
