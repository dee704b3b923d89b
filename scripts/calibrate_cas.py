"""Fit the calibration of CAS on real calibration images, for every evaluator and dimension."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.files import write_json
from craft.reward.settings import CalibrationJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table")],
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    output: Annotated[Path, typer.Option(help="calibration to write")],
    others: Annotated[list[Path] | None, typer.Option(help="feature file of another modality; repeatable")] = None,
) -> None:
    """Fit the logistic maps that turn raw scores into probabilities."""
    job = CalibrationJob.load(settings)
    from craft.core.images import read_texts
    from craft.knowledge.schema import Knowledge
    from craft.reward.calibration import calibrate
    from craft.reward.features import Features, calibration_to_json, foreign_features

    own = Features(features, read_texts(images), Knowledge.load(knowledge))
    maps = {}
    for ref in job.evaluators:
        raw, pairs = own.raw_scores(ref, job.neighbours), own.split(ref, "calibration")
        maps[ref.name] = calibrate(raw, *pairs, own.damaged(ref), foreign_features(others or [], ref, "calibration"))
    write_json(output, calibration_to_json(maps, own.labels, {ref.name: own.digest(ref) for ref in job.evaluators}))


if __name__ == "__main__":
    run(main)
