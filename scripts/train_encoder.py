"""Train one small vision-only encoder on its fold of the training images of all datasets."""

import time
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import atomic_path
from craft.training.settings import EncoderJob

SUMMARY = "A vision-only encoder with a {tower} tower for {size} px images, trained on fold {fold} of {folds}."


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[list[Path], typer.Option(help="image table; repeat for every dataset")],
    knowledge: Annotated[list[Path], typer.Option(help="knowledge file; repeat in the same order")],
    output: Annotated[Path, typer.Option(help="model folder to write")],
) -> None:
    """Train an encoder from scratch and save it as a transformers folder."""
    job, started = EncoderJob.load(settings), time.monotonic()
    training = job.training
    with lease_device() as device:
        from craft.models.provenance import count_origins, write_provenance
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.corpus import Corpus
        from craft.training.encoder import probe_attributes, train_encoder

        corpus = Corpus.load(images, knowledge, "train", training.fold, training.folds)
        resolved = job.model_dump(mode="json")
        checkpoints = checkpoint_folder(output, resolved, "train_encoder", [*images, *knowledge])
        encoder, metrics = train_encoder(training, corpus, job.resolution, checkpoints, device)
        probed = probe_attributes(encoder, corpus, Corpus.load(images, knowledge, "test"))
        metrics |= {f"probe_r2_{name}": value for name, value in probed.items()}
        with atomic_path(output) as folder:
            encoder.save(folder)
            write_provenance(
                folder,
                name=f"CRAFT small encoder {job.encoder}",
                summary=SUMMARY.format(size=job.resolution, **training.model_dump()),
                script="train_encoder",
                settings=resolved,
                images=count_origins(images),
                metrics=metrics,
                started=started,
            )


if __name__ == "__main__":
    run(main)
