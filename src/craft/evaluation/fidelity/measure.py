"""Fidelity of all methods of one dataset: the real and the generated images, their features, the rows of a table."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from craft.core.images import read_texts, stream_pixels, to_tensor
from craft.core.seeds import numpy_generator
from craft.core.settings import CONTROLS, REAL, ImageSet, match_files
from craft.evaluation.consistency import INCEPTION
from craft.evaluation.fidelity.features import Encoder, encoded_images, inception_encoder
from craft.evaluation.fidelity.metrics import OF_REAL, RealFeatures
from craft.evaluation.fidelity.results import COLUMNS
from craft.evaluation.fidelity.settings import FidelityJob

log = logging.getLogger(__name__)


def measure_fidelity(
    job: FidelityJob, images: Path, features: Path, generated: list[Path], embeddings: list[Path], device: str = "cpu"
) -> pd.DataFrame:
    """Compare every method and seed with the real test images, and real training images as well.

    The rows of the method `real` say what real images reach: training images against test images, as many of every
    label as a method has generated, or as many as there are.

    Args:
        job: dataset, whose features are used, whose images are measured, and how.
        images: image table of the dataset.
        features: feature file of the dataset.
        generated: image tables of the generated images, in the order of `job.generated`.
        embeddings: feature files of the generated images, in the same order.
        device: where Inception-v3 runs, if it is asked for.

    Returns:
        One row per method, seed, evaluator and metric, columns `craft.evaluation.fidelity.results.COLUMNS`.

    Raises:
        CraftError: if a file is missing, there is not one for every image set, files do not belong together, or a set
            has too few images.
    """
    tables = dict(match_files(job.generated, generated, "--generated"))
    table, frames = read_texts(images), {each: read_texts(path) for each, path in tables.items()}
    files = dict(match_files(job.generated, embeddings, "--embeddings"))
    rows = []
    for ref in job.features:
        known = encoded_images(features, ref, table["image_id"])
        encoded = {each: encoded_images(files[each], ref, frame["image_id"]) for each, frame in frames.items()}
        rows += compare_all(job, ref.name, ref.role, (table, known), (frames, encoded))
    if job.fidelity.inception:
        encode = inception_encoder(job.fidelity.inception, device)
        encoded = {each: encode_table(path, encode) for each, path in tables.items()}
        # the network has seen none of these images, so it counts as held out
        rows += compare_all(job, INCEPTION, "held_out", (table, encode_table(images, encode)), (frames, encoded))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def encode_table(images: Path, encode: Encoder) -> np.ndarray:
    """Features of all images of a table, shape (rows, width)."""
    return np.concatenate([encode(to_tensor(pixels)) for _, pixels in stream_pixels(images)])


def compare_all(
    job: FidelityJob,
    evaluator: str,
    role: str,
    real: tuple[pd.DataFrame, np.ndarray],
    generated: tuple[dict[ImageSet, pd.DataFrame], dict[ImageSet, np.ndarray]],
) -> list[dict]:
    """Rows of one evaluator or encoder: real training images first, then every method and seed.

    Args:
        job: dataset and settings.
        evaluator: name of what made the features.
        role: its role.
        real: image table of the dataset, and features of its images, shape (rows, width).
        generated: image tables of the generated images, and their features.
    """
    (table, known), (frames, encoded) = real, generated
    settings, names = job.fidelity, (job.dataset, evaluator)
    rng = numpy_generator("fidelity reference", *names)
    test, name = table["split"] == "test", f"the test images of {job.dataset}"
    compared = RealFeatures(known[test], table["label"][test], settings.neighbours, settings.bootstrap, rng, name)
    # methods stand last, and the decoded test images are fewer than what a method generates
    wanted = max(frames, key=lambda each: each.method not in CONTROLS)
    floor = pick_floor(table, frames[wanted]["label"], job.dataset)
    sets = {ImageSet(method=REAL, seed=0): (known[floor], table["label"].iloc[floor])}
    sets |= {each: (encoded[each], frame["label"]) for each, frame in frames.items()}
    rows = []
    for each, (features, labels) in tqdm(sets.items(), desc=f"fidelity, {evaluator}", disable=None):
        row = {"dataset": job.dataset, "method": each.method, "seed": each.seed, "evaluator": evaluator, "role": role}
        name = name_set(each, job.dataset)
        # equal resamples for all methods of a seed, whose images are pairs
        rng = numpy_generator("fidelity", *names, each.seed)
        for metric, values in compared.compare(features, labels, rng, name).items():
            numbers = {"value": values[0], "natural": values[1], "resamples": values[2:]}
            counted = compared.features if metric in OF_REAL else features
            rows.append(row | {"metric": metric, "n": len(counted)} | numbers)
            log.info("%s, %s, %s: %.4f", name, evaluator, metric, values[0])
    return rows


def name_set(images: ImageSet, dataset: str) -> str:
    """What messages call a set of images that is compared with the real test images."""
    return (
        f"the training images of {dataset}" if images.method == REAL else f"{dataset}/{images.method}/seed{images.seed}"
    )


def pick_floor(table: pd.DataFrame, labels: pd.Series, dataset: str) -> np.ndarray:
    """Row numbers of training images, as many of every label as `labels` holds, drawn by seed."""
    rng = numpy_generator("fidelity floor", dataset)
    rows = rng.permutation(np.flatnonzero(table["split"] == "train"))
    wanted, own = labels.value_counts(), table["label"].to_numpy()
    return np.sort(np.concatenate([rows[own[rows] == label][:count] for label, count in wanted.items()]))
