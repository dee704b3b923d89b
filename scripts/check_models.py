"""Check freshly trained models on unseen phantoms: labels lost in reconstruction, modalities confused in sampling."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.core.device import lease_device
from craft.core.files import write_json
from craft.core.settings import ModelCheckSettings


def main(
    settings: Annotated[Path, typer.Argument(help="resolved settings")],
    images: Annotated[list[Path], typer.Option(help="image table; repeat for every dataset")],
    knowledge: Annotated[list[Path], typer.Option(help="knowledge file; repeat in the same order")],
    output: Annotated[Path, typer.Option(help="quality table (JSON) to write")],
) -> None:
    """Measure what decides whether the models can be released."""
    run_settings = ModelCheckSettings.load(settings)
    with lease_device() as device:
        from craft.evaluation.model_quality import accuracy_by_modality, sampled_modality_share
        from craft.models.foundation import Foundation
        from craft.models.truth import TruthClassifier
        from craft.training.corpus import Corpus

        corpus = Corpus.load(images, knowledge, "test")
        foundation = Foundation.load(run_settings.foundation, device=device)
        truth = TruthClassifier.load(run_settings.truth, device)
        write_json(
            output,
            {
                "images": len(corpus),
                "accuracy": accuracy_by_modality(truth, corpus),
                "accuracy_reconstructed": accuracy_by_modality(truth, corpus, foundation),
                "sampled_modality_share": sampled_modality_share(
                    truth, foundation, corpus, run_settings.sampling, run_settings.samples
                ),
            },
        )


if __name__ == "__main__":
    run(main)
