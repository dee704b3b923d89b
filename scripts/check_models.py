"""Check freshly trained models on unseen phantoms: labels lost in reconstruction, modalities confused in sampling."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_json
from craft.training.settings import ModelCheckJob


def main(
    settings: Annotated[Path, typer.Argument(help="settings of the job")],
    images: Annotated[list[Path], typer.Option(help="image table; repeat for every dataset")],
    knowledge: Annotated[list[Path], typer.Option(help="knowledge file; repeat in the same order")],
    output: Annotated[Path, typer.Option(help="quality table (JSON) to write")],
) -> None:
    """Measure what decides whether the models can be released."""
    job = ModelCheckJob.load(settings)
    with lease_device() as device:
        from craft.models.foundation import Foundation
        from craft.models.phantom_classifier import PhantomClassifier
        from craft.training.corpus import Corpus
        from craft.training.quality import accuracy_by_modality, sampled_modality_share

        corpus = Corpus.load(images, knowledge, "test")
        foundation = Foundation.load(job.foundation, device=device)
        classifier = PhantomClassifier.load(job.phantom_classifier, device)
        write_json(
            output,
            {
                "images": len(corpus),
                "accuracy": accuracy_by_modality(classifier, corpus),
                "accuracy_reconstructed": accuracy_by_modality(classifier, corpus, foundation),
                "sampled_modality_share": sampled_modality_share(
                    classifier, foundation, corpus, job.sampling, job.samples
                ),
            },
        )


if __name__ == "__main__":
    run(main)
