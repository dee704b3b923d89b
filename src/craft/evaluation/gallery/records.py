"""What the gallery says of every image: plain values, in which neither patients nor raw files are named."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from craft.core.errors import CraftError
from craft.core.images import read_texts
from craft.core.settings import CONTROLS, REAL, ImageSet
from craft.evaluation.auditing.base import NO, UNKNOWN, YES
from craft.evaluation.auditing.results import ANSWERS
from craft.evaluation.gallery.results import image_table
from craft.evaluation.memorization.results import MEASURES, NEIGHBOURS
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES
from craft.reward.dimensions import DIMENSIONS

SCORE_NAMES = ("cas", *DIMENSIONS)
# a letter for each answer, so that the answers to a checklist are one short text
LETTERS = {YES: "y", NO: "n", UNKNOWN: "u"}
DIGITS = 4


def shown_sets(results: Results, dataset: str) -> list[ImageSet]:
    """Whose images of a dataset are shown: real and decoded ones only where that is allowed."""
    allowed = dataset in results.run.shown
    return [each for each in results.image_sets() if allowed or each.method not in CONTROLS]


def held_out_evaluator(results: Results) -> str:
    """The evaluator whose scores are shown: the first that no reward saw.

    Raises:
        CraftError: if there is none.
    """
    scores = results.read(SCORES)
    found = scores.loc[scores["role"] == "held_out", "evaluator"].unique()
    if not len(found):
        raise CraftError(
            f"{SCORES.name} of {results.folder} has no held-out evaluator; give one that role and run again"
        )
    return found[0]


def image_records(results: Results, dataset: str) -> Iterator[tuple[ImageSet, list[dict[str, Any]]]]:
    """Every shown image set of a dataset with what is known of its images, in the order of their table.

    Args:
        results: of a run whose settings are a `GalleryJob`.
        dataset: name of the dataset.

    Raises:
        CraftError: if a file is missing or broken, or does not hold the images of another.
    """
    scores, answers, nearest = scores_of(results, dataset), answers_of(results, dataset), nearest_of(results, dataset)
    for image_set in shown_sets(results, dataset):
        place, path = (image_set.method, image_set.seed), image_table(results, dataset, image_set)
        texts = read_texts(path, "test" if image_set.method == REAL else None)
        # what another program's table calls a caption may be a report about a patient
        prompted = image_set.method in results.run.methods and image_set.method not in results.run.given
        records = []
        for number, (name, label, caption) in enumerate(texts[["image_id", "label", "caption"]].to_numpy()):
            key = (*place, name)
            if key not in scores:
                raise CraftError(f"no score of the image {name!r} of {path}; run `snakemake --forcerun score_images`")
            record = {"dataset": dataset, "method": place[0], "seed": place[1], "label": label, "number": number}
            record |= {"scores": scores[key], "prompt": caption if prompted else ""}
            records.append(record | {"answers": answers.get(key, {}), "nearest": nearest.get(key)})
        yield image_set, records


def scores_of(results: Results, dataset: str) -> dict[tuple, list[float]]:
    """CAS and dimensions under the held-out evaluator by method, seed and image id, as `SCORE_NAMES` orders them."""
    frame = results.read(SCORES)
    frame = frame[(frame["dataset"] == dataset) & (frame["evaluator"] == held_out_evaluator(results))]
    values = frame[list(SCORE_NAMES)].to_numpy(float).round(DIGITS).tolist()
    return dict(zip(keys_of(frame), values, strict=True))


def answers_of(results: Results, dataset: str) -> dict[tuple, dict[str, str]]:
    """The letters of every auditor's answers, in the order of `checklists_of`, by method, seed and image id."""
    frame = results.read(ANSWERS)
    frame = frame[frame["dataset"] == dataset].assign(letter=lambda rows: rows["answer"].map(LETTERS))
    found: dict[tuple, dict[str, str]] = {}
    for (*key, auditor), letters in frame.groupby(["method", "seed", "image_id", "auditor"])["letter"]:
        found.setdefault(tuple(key), {})[auditor] = "".join(letters)
    return found


def checklists_of(results: Results, dataset: str) -> dict[str, list[str]]:
    """The items that the images of every label were asked, in the order of the answers."""
    frame = results.read(ANSWERS)
    frame = frame[frame["dataset"] == dataset]
    return {label: list(dict.fromkeys(items)) for label, items in frame.groupby("label")["item"]}


def nearest_of(results: Results, dataset: str) -> dict[tuple, dict[str, Any]]:
    """The nearest image that the run saw, in features, by method, seed and image id.

    `neighbour` is its id, which is for this program alone.
    """
    frame = results.read(NEIGHBOURS)
    frame = frame[frame["dataset"] == dataset]
    rows = frame.to_dict("records")
    return dict(zip(keys_of(frame), map(describe_neighbour, rows), strict=True))


def describe_neighbour(row: dict[str, Any]) -> dict[str, Any]:
    """Distance, split and id of one nearest image, and by which measures the two are nearer than real images are."""
    copied = [measure for measure in MEASURES if row[f"{measure}_copied"]]
    distance = round(float(row["features_distance"]), DIGITS)
    return {
        "distance": distance,
        "split": row["features_split"],
        "copied": copied,
        "neighbour": row["features_neighbour"],
    }


def keys_of(frame: pd.DataFrame) -> list[tuple]:
    """Method, seed and image id of every row."""
    return list(frame[["method", "seed", "image_id"]].itertuples(index=False, name=None))
