"""Train a small Stable-Diffusion-shaped foundation on the training images of all datasets."""

import time
from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import atomic_path
from craft.training.settings import FoundationJob

SUMMARY = (
    "A Stable-Diffusion-shaped text-to-image model for {size} px images of {modalities}. Its UNet saw coarse captions"
    " only (modality, no pathology)."
)


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[list[Path], typer.Option(help="image table; repeat for every dataset")],
    knowledge: Annotated[list[Path], typer.Option(help="knowledge file; repeat in the same order")],
    output: Annotated[Path, typer.Option(help="model folder to write")],
) -> None:
    """Train autoencoder, text encoder and UNet, or a given UNet on, and save a diffusers pipeline folder."""
    job, started = FoundationJob.load(settings), time.monotonic()
    with lease_device() as device:
        from craft.models.provenance import count_origins, write_provenance
        from craft.training.autoencoder import reconstruction_psnr
        from craft.training.checkpoints import checkpoint_folder
        from craft.training.corpus import Corpus
        from craft.training.foundation import train_foundation
        from craft.training.processes import is_main_process

        corpus = Corpus.load(images, knowledge, "train")
        resolved = job.model_dump(mode="json")
        checkpoints = checkpoint_folder(output, resolved, "train_foundation", [*images, *knowledge])
        foundation, seconds = train_foundation(job.training, corpus, job.resolution, checkpoints, device, job.start)
        if not is_main_process():
            return
        psnr = reconstruction_psnr(foundation, Corpus.load(images, knowledge, "test"))
        modalities = ", ".join(known.modality.replace("_", " ") for known in corpus.knowledge)
        with atomic_path(output) as folder:
            foundation.save(folder)
            write_provenance(
                folder,
                name="CRAFT small foundation",
                summary=SUMMARY.format(size=job.resolution, modalities=modalities),
                script="train_foundation",
                settings=resolved,
                images=count_origins(images),
                metrics={f"psnr_db_{name}": value for name, value in psnr.items()} | seconds,
                started=started,
                start=job.training.start,
            )


if __name__ == "__main__":
    run(main)
