"""Which images a study shows in which pairs, on which sides and in which order; drawn by one named seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.seeds import numpy_generator
from craft.evaluation.reader_study.settings import ReaderStudyJob

Kind = Literal["main", "repeat", "check"]
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
# that tell an image of the run
SOURCE = ("method", "seed", "image_id")


@dataclass(frozen=True)
class Pair:
    """Two images beside each other.

    Attributes:
        pair: random name, the only thing of this class that a reader's page holds beside label and sides.
        kind: whether it counts, comes a second time, or checks attention.
        dataset: of both images.
        label: of both images.
        left: row of the frame of all images.
        right: another row.
        repeats: name of the pair that it shows again.
        damaged: side of the image that is damaged.
    """

    pair: str
    kind: Kind
    dataset: str
    label: str
    left: int
    right: int
    repeats: str | None = None
    damaged: Side | None = None


def draw_pairs(job: ReaderStudyJob, images: pd.DataFrame) -> list[Pair]:
    """All pairs of a study in the order in which they are shown.

    No image stands in two pairs but that of a repeated one. Within every dataset, label and entry of `against`, and on
    the whole, a method stands as often on the left as on the right, give or take one. What is repeated comes in the
    first half and again, with its sides exchanged, in the second.

    Args:
        job: what is to be shown.
        images: rows with `dataset`, `label` and the columns `SOURCE`.

    Raises:
        CraftError: if a method has too few images of a label.
    """
    study, rng = job.study, numpy_generator("reader_study", job.study.seed)
    pools = {
        (str(key[0]), str(key[1]), str(key[2])): list(rng.permutation(rows))
        for key, rows in images.groupby(["dataset", "label", "method"]).groups.items()
    }
    places = [
        (dataset, label, other)
        for dataset, shown in job.datasets.items()
        for label in shown.labels
        for other in study.against
    ]
    main = [place for place in places for _ in range(study.pairs_per_label)]
    checks = [places[number] for number in rng.choice(len(places), study.attention_checks)]
    pairs = place_sides(study.of, main, "main", pools, rng) + place_sides(study.of, checks, "check", pools, rng)
    names = [rng.bytes(8).hex() for _ in range(len(pairs) + study.repeats)]
    pairs = [replace(pair, pair=name) for pair, name in zip(pairs, names, strict=False)]
    return order_pairs(pairs, study.repeats, names[len(pairs) :], rng)


def place_sides(
    own: str,
    places: Sequence[tuple[str, str, str]],
    kind: Kind,
    pools: dict[tuple[str, str, str], list[int]],
    rng: np.random.Generator,
) -> list[Pair]:
    """One pair for every place (dataset, label, other method), own images on either side in turn; pools are used up."""
    turn, damaged = rng.integers(2), rng.permutation(len(places)) % 2
    pairs = []
    for number, (dataset, label, other) in enumerate(places):
        rows = [take(pools, dataset, label, own), take(pools, dataset, label, other)]
        left, right = rows if (number + turn) % 2 else rows[::-1]
        side = SIDES[damaged[number]] if kind == "check" else None
        pairs.append(Pair("", kind, dataset, label, left, right, damaged=side))
    return pairs


def take(pools: dict[tuple[str, str, str], list[int]], dataset: str, label: str, method: str) -> int:
    """An image that no pair has shown.

    Raises:
        CraftError: if there is none left.
    """
    pool = pools.get((dataset, label, method), [])
    if not pool:
        raise CraftError(
            f"the reader study needs more images of {label!r} in {dataset!r} than {method!r} has; lower"
            " `reader_study.pairs_per_label` or `attention_checks`, or raise `generation.images_per_dataset`"
        )
    return int(pool.pop())


def order_pairs(pairs: list[Pair], repeats: int, names: list[str], rng: np.random.Generator) -> list[Pair]:
    """Pairs in random order, the first of which come again in the second half with their sides exchanged.

    Raises:
        CraftError: if more are to come again than the first half holds.
    """
    pairs = [pairs[number] for number in rng.permutation(len(pairs))]
    first, second = pairs[: (len(pairs) + 1) // 2], pairs[(len(pairs) + 1) // 2 :]
    known = [pair for pair in first if pair.kind == "main"][:repeats]
    if len(known) < repeats:
        raise CraftError(
            f"a reader study of {len(pairs)} pairs cannot repeat {repeats} of its first half; lower"
            " `reader_study.repeats` or raise `pairs_per_label`"
        )
    again = [
        replace(pair, pair=name, kind="repeat", left=pair.right, right=pair.left, repeats=pair.pair)
        for pair, name in zip(known, names, strict=True)
    ]
    second = [*second, *again]
    return first + [second[number] for number in rng.permutation(len(second))]
