"""Train one small image-text evaluator on its fold of the training images of all datasets."""

import time
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import atomic_path
from craft.training.settings import EvaluatorJob

SUMMARY = "An image-text evaluator of the family {family} for {size} px images, trained on fold {fold} of {folds}."


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[list[Path], typer.Option(help="image table; repeat for every dataset")],
    knowledge: Annotated[list[Path], typer.Option(help="knowledge file; repeat in the same order")],
    signs: Annotated[list[Path], typer.Option(help="table of signs; repeat in the same order")],
    output: Annotated[Path, typer.Option(help="model folder to write")],
) -> None:
    """Train an evaluator from scratch and save it as a transformers folder."""
    job, started = EvaluatorJob.load(settings), time.monotonic()
    training = job.training
    with lease_device() as device:
        from craft.models.provenance import count_origins, write_provenance
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.corpus import Corpus
        from craft.training.evaluator import train_evaluator
        from craft.training.evaluator_quality import item_auroc, zero_shot_accuracy

        corpus = Corpus.load(images, knowledge, "train", training.fold, training.folds, signs, job.role)
        resolved = job.model_dump(mode="json")
        checkpoints = checkpoint_folder(output, resolved, "train_evaluator", [*images, *knowledge, *signs])
        evaluator, metrics = train_evaluator(training, corpus, job.resolution, checkpoints, device)
        unseen = Corpus.load(images, knowledge, "test", signs=signs, role=job.role)
        for measured in (zero_shot_accuracy, item_auroc):
            found = measured(evaluator, unseen)
            metrics |= {f"{measured.__name__}_{name}": value for name, value in found.items()}
        with atomic_path(output) as folder:
            evaluator.save(folder)
            write_provenance(
                folder,
                name=f"CRAFT small evaluator {job.evaluator}",
                summary=SUMMARY.format(size=job.resolution, **training.model_dump()),
                script="train_evaluator",
                settings=resolved,
                images=count_origins(images),
                metrics=metrics,
                started=started,
            )


if __name__ == "__main__":
    run(main)
