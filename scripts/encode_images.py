"""Encode a dataset's images once: latents of the training images, features under every model, decoded test images."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.rows import write_rows
from craft.reward.settings import EncodeJob


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    features: Annotated[Path, typer.Option(help="features to write: all images, all evaluators, all texts")],
    latents: Annotated[Path | None, typer.Option(help="latents to write: training images")] = None,
    decoded: Annotated[
        Path | None, typer.Option(help="image table to write: test images sent through the autoencoder")
    ] = None,
) -> None:
    """Encode all images and texts with every evaluator and encoder, training images with an autoencoder."""
    job = EncodeJob.load(settings)
    from craft.core.images import read_texts, stream_images, write_images
    from craft.core.memory import explain_memory

    frame = read_texts(images)
    with lease_device() as device, explain_memory("the encoding", f"lower `scoring.batch` (now {job.batch})"):
        from craft.datasets.splits import check_leakage
        from craft.knowledge.schema import Knowledge
        from craft.models.loaded import LoadedModels
        from craft.reward.features import compute_features, write_features
        from craft.reward.judge import Judge

        check_leakage(stream_images(images))
        known, entries, loaded = Knowledge.load(knowledge), {}, LoadedModels()
        for ref in job.evaluators:
            judge = Judge.load(ref, device)
            loaded.add(ref.name, ref.role, judge.evaluator)
            loaded.add(ref.encoder.name, ref.role, judge.encoder)
            entries |= compute_features(judge, stream_images(images), known, ref, job.batch)
        if job.foundation and latents and decoded:
            from craft.models.foundation import Foundation
            from craft.training.generation import decode_table, encode_table

            foundation = Foundation.load(job.foundation.path, device=device, **job.foundation.hub)
            ids, encoded = encode_table(foundation, images, job.batch)
            write_rows(latents, ids, {"latents": encoded})
            write_images(decoded, decode_table(foundation, images, job.batch))
        write_features(features, frame, entries)


if __name__ == "__main__":
    run(main)
