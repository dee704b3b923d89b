"""Score the real test images and the synthetic images of all methods of one dataset under every evaluator."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_parquet
from craft.core.memory import explain_memory
from craft.core.rows import write_rows
from craft.core.settings import match_files
from craft.evaluation.scoring.settings import ScoreJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table of the dataset")],
    features: Annotated[Path, typer.Option(help="feature file of the dataset")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    calibration: Annotated[Path, typer.Option(help="calibration of CAS")],
    real: Annotated[Path, typer.Option(help="scores of the real test images (written)")],
    generated: Annotated[
        list[Path] | None, typer.Option(help="table of one set of generated images; repeatable")
    ] = None,
    scores: Annotated[list[Path] | None, typer.Option(help="scores of that set (written); as often")] = None,
    embeddings: Annotated[list[Path] | None, typer.Option(help="its images' features (written); as often")] = None,
) -> None:
    """Write the scores of every image set, one row per image and evaluator, and the features of its images."""
    job = ScoreJob.load(settings)
    sets = match_files(job.generated, generated or [], "--generated")
    scored = match_files(job.generated, scores or [], "--scores")
    encoded = match_files(job.generated, embeddings or [], "--embeddings")
    mend = f"lower `scoring.batch` (now {job.batch})"
    with lease_device() as device, explain_memory("the scoring", mend):
        from craft.core.images import read_images_of, read_texts
        from craft.evaluation.scoring.scorer import Scorer
        from craft.knowledge.schema import Knowledge
        from craft.reward.features import Features

        # the classifier of phantoms alone looks at real images once more
        frame = read_images_of(images, "test") if job.phantom_classifier else read_texts(images)
        known = Features(features, frame, Knowledge.load(knowledge))
        scorer = Scorer.load(job, known, calibration, device)
        write_parquet(real, scorer.score_real())
        for (each, table), (_, score_file), (_, feature_file) in zip(sets, scored, encoded, strict=True):
            scored_set, ids, tensors = scorer.score(table, each.method, each.seed)
            write_rows(feature_file, ids, tensors)
            write_parquet(score_file, scored_set)


if __name__ == "__main__":
    run(main)
