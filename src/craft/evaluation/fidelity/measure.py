"""Fidelity of all methods of one dataset: the real and the generated images, their features, the rows of a table."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from craft.core.config.base import REAL
from craft.core.images import decode_images, read_images, to_tensor
from craft.core.seeds import numpy_generator
from craft.core.settings import FidelitySettings
from craft.evaluation.fidelity.features import Encoder, encoded_images, inception_encoder
from craft.evaluation.fidelity.metrics import RealReference
from craft.evaluation.results import FIDELITY_COLUMNS, run_file

INCEPTION = "inception"
FEATURE_FILE = "features.safetensors"

log = logging.getLogger(__name__)


def measure_fidelity(
    run: FidelitySettings, images: Path, features: Path, folder: Path, device: str = "cpu"
) -> pd.DataFrame:
    """Compare every method and seed with the real test images, and real training images as well.

    The rows of the method `real` say what real images reach: training images against test images, as many of every
    label as a method has generated, or as many as there are.

    Args:
        run: dataset, evaluators, methods and settings.
        images: image table of the dataset.
        features: feature file of the dataset.
        folder: results folder of the dataset; holds the images and features of every run.
        device: where Inception-v3 runs, if it is asked for.

    Returns:
        One row a method, seed, evaluator and metric, columns `FIDELITY_COLUMNS`.
    """
    table = read_images(images)
    files = {key: Path(folder).parent / run_file(run.dataset, *key, "images.parquet") for key in run.runs}
    generated = {key: read_images(path) for key, path in files.items()}
    rows = []
    for ref in run.evaluators:
        encoded = {
            key: encoded_images(path.with_name(FEATURE_FILE), ref.name, len(generated[key]))
            for key, path in files.items()
        }
        known = encoded_images(features, ref.name, len(table))
        rows += compare_all(run, ref.name, ref.role, table, known, generated, encoded)
    if run.spec.inception:
        encode = inception_encoder(run.spec.inception, device)
        encoded = {key: encode(to_tensor(decode_images(frame))) for key, frame in generated.items()}
        # the network has seen none of these images, so it counts as held out
        rows += compare_all(run, INCEPTION, "held_out", table, encode_table(table, encode), generated, encoded)
    return pd.DataFrame(rows, columns=list(FIDELITY_COLUMNS))


def encode_table(table: pd.DataFrame, encode: Encoder) -> np.ndarray:
    """Features of the splits train and test; those of other splits are not needed and stay zero."""
    used = np.flatnonzero(table["split"].isin(["train", "test"]))
    found = encode(to_tensor(decode_images(table.iloc[used])))
    features = np.zeros((len(table), found.shape[1]))
    features[used] = found
    return features


def compare_all(
    run: FidelitySettings,
    evaluator: str,
    role: str,
    table: pd.DataFrame,
    known: np.ndarray,
    generated: dict[tuple[str, int], pd.DataFrame],
    encoded: dict[tuple[str, int], np.ndarray],
) -> list[dict]:
    """Rows of one evaluator: real training images first, then every method and seed.

    Args:
        run: dataset and settings.
        evaluator: name of what made the features.
        role: its role.
        table: image table of the dataset.
        known: features of its images, shape (rows, width).
        generated: image tables by method and seed.
        encoded: their features.
    """
    spec, names = run.spec, (run.dataset, evaluator)
    test = known[table["split"] == "test"]
    rng = numpy_generator("fidelity reference", *names)
    reference = RealReference(test, spec.neighbours, spec.bootstrap, rng, f"the test images of {run.dataset}")
    floor = pick_floor(table, next(iter(generated.values()))["label"], run.dataset)
    sets = {(REAL, 0): (known[floor], table["label"].iloc[floor])}
    sets |= {key: (encoded[key], frame["label"]) for key, frame in generated.items()}
    rows = []
    for (method, seed), (features, labels) in tqdm(sets.items(), desc=f"fidelity, {evaluator}", disable=None):
        name = f"{run.dataset}/{method}/seed{seed}" if method != REAL else f"the training images of {run.dataset}"
        # equal draws for all methods of a seed, whose images are pairs
        draws = numpy_generator("fidelity", *names, seed)
        for metric, values in reference.compare(features, labels, draws, name).items():
            row = {"dataset": run.dataset, "method": method, "seed": seed, "evaluator": evaluator, "role": role}
            rows.append(row | {"metric": metric, "value": values[0], "n": len(features), "draws": values[1:]})
            log.info("%s, %s, %s: %.4f", name, evaluator, metric, values[0])
    return rows


def pick_floor(table: pd.DataFrame, labels: pd.Series, dataset: str) -> np.ndarray:
    """Row numbers of training images, as many of every label as `labels` holds, drawn by seed."""
    rng = numpy_generator("fidelity floor", dataset)
    rows = rng.permutation(np.flatnonzero(table["split"] == "train"))
    wanted, own = labels.value_counts(), table["label"].to_numpy()
    return np.sort(np.concatenate([rows[own[rows] == label][:count] for label, count in wanted.items()]))
