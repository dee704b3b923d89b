"""Check a freshly trained foundation on unseen phantoms: what its autoencoder loses, what its samples lack."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_json
from craft.core.sheets import write_sheet
from craft.evaluation.release.settings import ModelCheckJob

SHOWN = 64


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[list[Path], typer.Option(help="image table; repeat for every dataset")],
    knowledge: Annotated[list[Path], typer.Option(help="knowledge file; repeat in the same order")],
    output: Annotated[Path, typer.Option(help="quality table (JSON) to write")],
    sheets: Annotated[Path, typer.Option(help="folder of the contact sheets to write")],
) -> None:
    """Measure what decides whether the models can be released, and show samples of every modality."""
    job = ModelCheckJob.load(settings)
    with lease_device() as device:
        from craft.core.images import decode_images, read_images, to_tensor
        from craft.evaluation.release.check import Checked, check_modality
        from craft.knowledge.schema import Knowledge
        from craft.models.encoders import load_encoder
        from craft.models.foundation import Foundation
        from craft.models.phantom_classifier import PhantomClassifier

        models = Checked(
            Foundation.load(job.foundation, device=device),
            PhantomClassifier.load(job.phantom_classifier, device),
            load_encoder(job.encoder, device),
            job.sampling,
            job.neighbours,
        )
        found = {}
        for table, path in zip(images, knowledge, strict=True):
            known, frame = Knowledge.load(path), read_images(table, "test")
            labels = frame["label"].map(list(known.labels).index).to_numpy()
            quality, samples = check_modality(models, known, to_tensor(decode_images(frame)), labels, job.samples)
            found[known.modality] = quality.report()
            write_sheet(sheets / f"{known.modality}.png", samples[:SHOWN])
        write_json(output, found)


if __name__ == "__main__":
    run(main)
