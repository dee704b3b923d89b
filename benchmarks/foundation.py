"""What each choice in the training of the small foundation gives, at equal steps: its optimiser, its loss, its latents.

Every way of the autoencoder is trained from scratch for the same steps and measured on unseen phantoms: the error of
reconstruction, and the recall of decoded phantoms under the ImageNet encoder. Every way of the UNet is trained on
the latents of one foundation and measured by its error at fixed noise on unseen phantoms' latents, at the averaged
weights. Prepare the phantoms first:

    snakemake --configfile configs/zoo.yaml --cores 2 -- \\
        results/zoo/{chest_xray,dermoscopy,fundus,histopathology}/{images.parquet,knowledge.yaml}
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from common import RESULTS, Metric, describe_device, record, report

from craft.core.cli import run
from craft.core.errors import CraftError

if TYPE_CHECKING:
    from craft.models.settings import FoundationTraining
    from craft.training.corpus import Corpus

NAME, NEIGHBOURS = "foundation", 5
ADAMW = {"optimizer": "adamw", "autoencoder_learning_rate": 2e-3, "unet_learning_rate": 1e-3}
AUTOENCODERS: dict[str, dict[str, Any]] = {
    "adamw": ADAMW | {"latent_channels": 8, "autoencoder_detail": 0.0},
    "muon": {"latent_channels": 8, "autoencoder_detail": 0.0},
    "muon_detail": {"latent_channels": 8},
    "muon_detail_12": {"latent_channels": 12},
    "muon_detail_16": {"latent_channels": 16},
}
UNETS: dict[str, dict[str, Any]] = {
    "unet_adamw": ADAMW,
    "unet_muon": {},
    "unet_muon_half": {"unet_learning_rate": 1e-3},
}


def main(
    results: Annotated[Path, typer.Option(help="folder with the prepared phantoms")] = Path("results/zoo"),
    foundation: Annotated[str, typer.Option(help="whose latents the UNets learn")] = "data/models/foundation",
    way: Annotated[list[str], typer.Option(help=f"of {', '.join(AUTOENCODERS | UNETS)}; repeat for several")] = (),
    steps: Annotated[int, typer.Option(help="steps of every training")] = 600,
    images: Annotated[int, typer.Option(help="unseen phantoms of every dataset that are measured, at most")] = 200,
    output: Annotated[Path, typer.Option(help="folder of the result file")] = RESULTS,
) -> None:
    """Train every way for the same steps and record what it reached."""
    ways = list(way) or [*AUTOENCODERS, *UNETS]
    if unknown := [name for name in ways if name not in AUTOENCODERS | UNETS]:
        raise CraftError(f"there is no way {unknown[0]!r}; write one of {', '.join(AUTOENCODERS | UNETS)}")
    train, unseen = load_phantoms(results, images)
    metrics = []
    for name in ways:
        with tempfile.TemporaryDirectory() as folder:
            if name in AUTOENCODERS:
                found = try_autoencoder(
                    name, settings(AUTOENCODERS[name], steps), foundation, train, unseen, Path(folder)
                )
            else:
                found = try_unet(name, settings(UNETS[name], steps), foundation, train, unseen, Path(folder))
        report(found)
        metrics += found
    command = " ".join([f"python benchmarks/{NAME}.py", *(f"--way {name}" for name in way)])
    record(NAME, f"{command} --steps {steps} --images {images}", describe_device("cpu"), metrics, output)


def settings(changes: dict[str, Any], steps: int) -> "FoundationTraining":
    """The settings of one way: the defaults of the small foundation, changed."""
    from craft.models.settings import FoundationTraining

    return FoundationTraining(**{"autoencoder_steps": steps, "unet_steps": steps} | changes)


def load_phantoms(results: Path, limit: int) -> tuple["Corpus", "Corpus"]:
    """Training phantoms, and unseen ones, of every dataset below a results folder.

    Raises:
        CraftError: if there are none.
    """
    import numpy as np

    from craft.training.corpus import Corpus

    tables = sorted(results.glob("*/images.parquet"))
    if not tables:
        raise CraftError(f"{results} holds no prepared phantoms; see the command at the head of {Path(__file__).name}")
    knowledge = [table.with_name("knowledge.yaml") for table in tables]
    train, unseen = (Corpus.load(tables, knowledge, split) for split in ("train", "test"))
    kept = np.concatenate([np.flatnonzero(unseen.dataset == number)[:limit] for number in range(len(tables))])
    return train, unseen.take(kept)


def try_autoencoder(
    name: str, training: "FoundationTraining", path: str, train: "Corpus", unseen: "Corpus", checkpoints: Path
) -> list[Metric]:
    """PSNR, and recall by modality, of an autoencoder that is trained one way."""
    import numpy as np

    from craft.evaluation.release.check import compare
    from craft.models.encoder_loaders import ENCODER_LOADERS
    from craft.models.foundation import Foundation
    from craft.training.autoencoder import reconstruction_psnr, train_autoencoder

    foundation = Foundation.load(path)
    foundation.vae, _ = train_autoencoder(training, train, train.images.shape[1], checkpoints)
    images, encoder = unseen.tensor(np.arange(len(unseen))), ENCODER_LOADERS["imagenet"]("efficientnet-lite0")
    real, again = (encoder.embed(each).numpy() for each in (images, foundation.reconstruct(images)))
    conditions = f"{name}, {training.autoencoder_steps} steps of {training.autoencoder_batch}, {len(unseen)} phantoms"
    psnr = reconstruction_psnr(foundation, unseen)
    metrics = [Metric(f"psnr_{name}", psnr["all"], "dB", "higher", None, conditions)]
    for number, known in enumerate(unseen.knowledge):
        rows = np.flatnonzero(unseen.dataset == number)
        recall = compare(real[rows], unseen.label[rows], again[rows], unseen.label[rows], NEIGHBOURS)["recall"]
        metrics.append(Metric(f"recall_{known.modality}_{name}", recall, "1", "higher", None, conditions))
    return metrics


def try_unet(
    name: str, training: "FoundationTraining", path: str, train: "Corpus", unseen: "Corpus", checkpoints: Path
) -> list[Metric]:
    """Prediction error of a UNet that is trained one way, on unseen latents at fixed noise and levels."""
    import numpy as np
    import torch

    from craft.core.seeds import Draws
    from craft.models.foundation import Foundation
    from craft.training.denoising import denoising_loss
    from craft.training.foundation import train_unet

    foundation = Foundation.load(path)
    torch.manual_seed(0)
    foundation.unet = type(foundation.unet).from_config(foundation.unet.config)
    train_unet(training, foundation, train, checkpoints)
    latents = foundation.encode_images(unseen.tensor(np.arange(len(unseen))))
    rng = np.random.default_rng(0)
    states = foundation.encode_prompts([unseen.coarse_caption(row, rng) for row in range(len(unseen))])
    draws, errors = Draws("foundation benchmark"), []
    with torch.inference_mode():
        for chunk, state in zip(latents.split(64), states.split(64), strict=True):
            error = denoising_loss(foundation.unet, foundation.noise_schedule, chunk, state, draws)
            errors.append(error.item() * len(chunk))
    conditions = (
        f"{name}, {training.unet_steps} steps of {training.unet_batch}, {len(unseen)} phantoms, averaged weights"
    )
    return [Metric(f"error_{name}", sum(errors) / len(unseen), "1", "lower", None, conditions)]


if __name__ == "__main__":
    run(main)
