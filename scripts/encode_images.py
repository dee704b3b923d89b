"""Encode a dataset's images once: autoencoder latents of the training images, features under every evaluator."""

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
    latents: Annotated[Path, typer.Option(help="latents to write: training images")],
    features: Annotated[Path, typer.Option(help="features to write: all images, all evaluators, all texts")],
) -> None:
    """Encode the training images with the autoencoder and all images and texts with every evaluator."""
    job = EncodeJob.load(settings)
    from craft.core.images import decode_images, read_images, to_tensor

    frame = read_images(images)
    with lease_device() as device:
        from craft.datasets.splits import check_leakage
        from craft.knowledge.schema import Knowledge
        from craft.models.evaluators import load_evaluator
        from craft.models.foundation import Foundation
        from craft.reward.features import compute_features, write_features

        check_leakage(frame)
        known, entries = Knowledge.load(knowledge), {}
        for ref in job.evaluators:
            entries |= compute_features(load_evaluator(ref, device), frame, known, ref.name)
        foundation = Foundation.load(job.foundation, device=device)
        training = frame[frame["split"] == "train"]
        encoded = foundation.encode_images(to_tensor(decode_images(training)))
        write_rows(latents, list(training["image_id"]), {"latents": encoded})
        write_features(features, frame, entries)


if __name__ == "__main__":
    run(main)
