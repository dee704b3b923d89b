"""Encode a dataset's images once: autoencoder latents of the training images, features under every evaluator."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_tensors
from craft.core.settings import EncodeSettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[Path, typer.Option(help="image table")],
    knowledge: Annotated[Path, typer.Option(help="knowledge file of the dataset")],
    latents: Annotated[Path, typer.Option(help="latents to write: training images in table order")],
    features: Annotated[Path, typer.Option(help="features to write: all images, all evaluators, all texts")],
) -> None:
    """Encode the training images with the autoencoder and all images and texts with every evaluator."""
    run_settings = EncodeSettings.load(settings)
    from craft.core.images import decode_images, read_images, to_tensor

    frame = read_images(images)
    with lease_device() as device:
        from craft.datasets.splits import check_leakage
        from craft.knowledge.schema import Knowledge
        from craft.models.evaluators import ImageTextEvaluator
        from craft.models.foundation import Foundation
        from craft.reward.features import compute_features

        check_leakage(frame)
        book, entries = Knowledge.load(knowledge), {}
        for ref in run_settings.evaluators:
            evaluator = ImageTextEvaluator.load(ref.path, device)
            entries |= compute_features(evaluator, frame, book, ref.name)
        foundation = Foundation.load(run_settings.foundation, device=device)
        training = to_tensor(decode_images(frame[frame["split"] == "train"]))
        write_tensors(latents, {"latents": foundation.encode_images(training)})
        write_tensors(features, entries)


if __name__ == "__main__":
    run(main)
