"""The CAS of anyone's images, beside that of real ones."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from craft.core.errors import CraftError
from craft.core.progress import track

if TYPE_CHECKING:
    import pandas as pd

    from craft.evaluation.scoring.yardstick import Yardstick

log = logging.getLogger(__name__)

BATCH = 64
# quantile of real test images' plausibility below which an image is no image of the modality
OUTSIDE = 0.01
OUT_OF_DISTRIBUTION = "out_of_distribution"
# unreadable images that are named; the rest is counted
SHOWN = 5


def score(
    images: "Path | str | Sequence",
    labels: Sequence[str] | None = None,
    modality: str = "",
    evaluator: str | None = None,
    *,
    run: Path | str = "results",
    rename: Mapping[str, str] | None = None,
    bit_depth: int | None = None,
    device: str = "cpu",
) -> "pd.DataFrame":
    """CAS of images with their intended labels.

    Args:
        images: a folder with `labels.csv` or one sub-folder for each label, a parquet table, or a sequence of paths,
            PIL images and arrays. They may have any size: the centred square is brought to the size of the run.
        labels: of a sequence; None for a folder or table, which have their own.
        modality: a dataset of the run, or the modality of exactly one.
        evaluator: an evaluator of the run; without a name, the first that no reward saw.
        run: results folder of a finished run, which holds the reference images, the calibration and the threshold.
        rename: label of the images -> label of the run.
        bit_depth: significant bits of 16-bit grey values; None where every image says so itself.
        device: where the evaluator runs.

    Returns:
        One row per image: `file`, `label`, every dimension and `cas`, each in [0, 1], `tail` (whether the CAS lies
        below the threshold that real test images set) and `out_of_distribution` (whether its plausibility is below that
        of all but one in a hundred real test images). Unreadable images have no row; a warning names them.

    Raises:
        CraftError: if there is no image, a label has no reference, or the run is incomplete.

    >>> craft.score(["a.jpg"], ["melanoma"], "dermoscopy", run="results")  # doctest: +SKIP
    """
    from craft.evaluation.scoring.yardstick import Yardstick

    yardstick = Yardstick.load(Path(run), modality, evaluator, device)
    return score_images(yardstick, images, labels, rename or {}, bit_depth=bit_depth)


def score_images(
    yardstick: "Yardstick",
    images: "Path | str | Sequence",
    labels: Sequence[str] | None,
    rename: Mapping[str, str],
    label_column: str = "label",
    threads: int | None = None,
    bit_depth: int | None = None,
) -> "pd.DataFrame":
    """`score` against a yardstick that is already loaded."""
    import numpy as np
    import pandas as pd
    import torch

    from craft.core.images import to_tensor
    from craft.evaluation.scoring.images import decode_ahead, open_images
    from craft.reward.combination import combine
    from craft.reward.dimensions import DIMENSIONS

    listed = open_images(images, labels, yardstick.labels, rename, label_column, bit_depth)
    numbers = np.array([yardstick.labels.index(label) for label in listed.labels])
    scores = np.full((len(numbers), len(DIMENSIONS)), np.nan, np.float32)
    unreadable: dict[int, str] = {}
    with track(range(len(numbers)), "score") as bar:
        for rows, pixels, bad in decode_ahead(listed, yardstick.size, BATCH, threads or os.cpu_count() or 1):
            if len(rows):
                scores[rows] = yardstick.score(to_tensor(pixels), torch.from_numpy(numbers[rows]))
            unreadable |= bad
            bar.update(len(rows) + len(bad))
    warn_unreadable(listed.names, unreadable)
    frame = pd.DataFrame({"file": listed.names, "label": listed.labels})
    frame[list(DIMENSIONS)] = scores
    frame["cas"] = combine(scores)
    frame["tail"] = frame["cas"] < limit_of(yardstick, "cas", yardstick.scoring.tail_quantile)
    frame[OUT_OF_DISTRIBUTION] = frame["plausibility"] < limit_of(yardstick, "plausibility", OUTSIDE)
    return frame.drop(index=list(unreadable)).reset_index(drop=True)


def limit_of(yardstick: "Yardstick", score: str, quantile: float) -> float:
    """A quantile of a score of real test images, labels weighed alike."""
    from craft.evaluation.statistics.tails import tail_threshold

    return tail_threshold(yardstick.real[score].to_numpy(), quantile, yardstick.real["label"].to_numpy(str))


def warn_unreadable(names: list[str], unreadable: dict[int, str]) -> None:
    """Name the images that are left out; a CraftError if none is left."""
    for row in list(unreadable)[:SHOWN]:
        log.warning("left out: %s %s", names[row], unreadable[row])
    if len(unreadable) > SHOWN:
        log.warning("left out: %d images that cannot be read in all", len(unreadable))
    if len(unreadable) == len(names):
        first = min(unreadable)
        raise CraftError(f"none of the {len(names)} images can be read; the first, {names[first]}, {unreadable[first]}")


def summarise(frame: "pd.DataFrame", yardstick: "Yardstick") -> "pd.DataFrame":
    """Means and tail rates of scored images and, beside them, of real test images of the same labels.

    Returns:
        One row for all labels and for each label, and metric (CAS, its dimensions, `tail_rate` at the run's threshold,
        `out_of_distribution`): `value` (labels weighed alike), `low`, `high`, `n` and `natural` (every image weighed
        alike) of the scored images, and the same with the prefix `real_` of real ones.
    """
    import pandas as pd

    from craft.evaluation.statistics.intervals import bootstrap_means
    from craft.evaluation.tables import label_groups
    from craft.reward.dimensions import DIMENSIONS

    scoring, metrics = yardstick.scoring, ["cas", *DIMENSIONS, "tail_rate", OUT_OF_DISTRIBUTION]
    threshold = limit_of(yardstick, "cas", scoring.tail_quantile)
    limit = limit_of(yardstick, "plausibility", OUTSIDE)
    outside = {OUT_OF_DISTRIBUTION: yardstick.real["plausibility"] < limit}
    real = yardstick.real.assign(tail_rate=yardstick.real["cas"] < threshold, **outside)
    scored = frame.rename(columns={"tail": "tail_rate"})
    resamples = min(scoring.bootstrap, max(50, 20_000_000 // len(frame)))
    rows = []
    for label, part in label_groups(scored, yardstick.labels):
        beside = real[real["label"].isin(part["label"].unique())]
        columns = {
            prefix: bootstrap_means(
                [group[metrics].to_numpy(float)],
                resamples,
                scoring.confidence,
                *("score", prefix, label),
                labels=[group["label"].to_numpy(str)],
            )
            for prefix, group in (("", part), ("real_", beside))
            if len(group)
        }
        for number, metric in enumerate(metrics):
            cells = {
                f"{prefix}{key}": value
                for prefix, estimates in columns.items()
                for key, value in asdict(estimates[number]).items()
                if key != "seeds"
            }
            rows.append({"label": label, "metric": metric} | cells)
    return pd.DataFrame(rows)


def describe(summary: "pd.DataFrame", yardstick: "Yardstick") -> str:
    """The summary as text."""
    import pandas as pd

    def cell(row: "pd.Series", prefix: str) -> str:
        value, low, high = (row.get(f"{prefix}{key}", float("nan")) for key in ("value", "low", "high"))
        return "none" if pd.isna(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"

    lines = [
        f"{yardstick.dataset} under {yardstick.evaluator} (role: {yardstick.role}); an image is in the tail below the"
        f" {yardstick.scoring.tail_quantile:.0%} quantile of real test images' CAS, and out of distribution below the"
        f" {OUTSIDE:.0%} quantile of their plausibility",
        f"{'label':24} {'metric':20} {'scored':>24} {'n':>7} {'real test images':>24} {'n':>6}",
    ]
    for _, row in summary.iterrows():
        beside = row.get("real_n", 0)
        lines.append(
            f"{row['label']:24} {row['metric']:20} {cell(row, ''):>24} {int(row['n']):7}"
            f" {cell(row, 'real_'):>24} {0 if pd.isna(beside) else int(beside):6}"
        )
    return "\n".join(lines)
