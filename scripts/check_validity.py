"""Study whether CAS is a faithful proxy on one dataset."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_parquet
from craft.evaluation.validity.settings import ValidityJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings of the job")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    calibration: Annotated[Path, typer.Option(help="calibration of CAS")],
    real_scores: Annotated[Path, typer.Option(help="scores of the real test images")],
    output: Annotated[Path, typer.Option(help="validity table of the dataset (written)")],
    scores: Annotated[
        list[Path] | None, typer.Option(help="scores of generated images; repeated, in the order of the settings")
    ] = None,
    checks: Annotated[
        list[Path] | None,
        typer.Option(help="images of a rewarded method's checks; repeated, in the order of the settings"),
    ] = None,
    others: Annotated[list[Path] | None, typer.Option(help="feature file of another modality; repeatable")] = None,
) -> None:
    """Judges, no images, swapped labels, graded damage, the classifier of phantoms and the proxy gap of one dataset."""
    job = ValidityJob.load(settings)
    with lease_device() as device:
        from craft.core.images import read_images_of
        from craft.evaluation.scoring.scorer import Scorer
        from craft.evaluation.validity.study import ValidityStudy
        from craft.knowledge.schema import Knowledge
        from craft.reward.features import Features

        known = Features(features, read_images_of(images, "test"), Knowledge.load(knowledge))
        scorer = Scorer.load(job, known, calibration, device)
        study = ValidityStudy.load(job, scorer, real_scores, scores or [], checks or [], others or [])
        write_parquet(output, study.table())


if __name__ == "__main__":
    run(main)
