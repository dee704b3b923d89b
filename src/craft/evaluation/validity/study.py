"""The validity study of one dataset: is CAS a faithful proxy of what the images show?"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from craft.core.images import decode_images, to_tensor
from craft.core.seeds import numpy_generator
from craft.core.settings import ValiditySettings
from craft.evaluation.results import DIMENSIONS, TRUTH, check_scores, require_file, run_file
from craft.evaluation.scoring.scorer import Scorer
from craft.evaluation.validity.gap import course, follow_gap, read_checks
from craft.evaluation.validity.graded_damage import DAMAGES, damaged_sets, response_to_damage
from craft.evaluation.validity.label_swap import (
    compare_sets,
    distance_of_sets,
    score_every_label,
    separate_labels,
    shifts_of_sets,
)
from craft.evaluation.validity.rows import CAS, all_scores, validity_table
from craft.evaluation.validity.truth import follow_truth, order_methods, pair_with_truth

COLUMNS = (*DIMENSIONS, CAS)
PROBABILITY = "probability"


def pick_balanced(labels: np.ndarray, most: int, *names: str) -> np.ndarray:
    """At most `most` row numbers, in order, drawn so that the labels are as even as can be."""
    order = numpy_generator("validity images", *names).permutation(len(labels))
    turn = pd.Series(labels[order]).groupby(labels[order]).cumcount().to_numpy()
    return np.sort(order[np.argsort(turn, kind="stable")][:most])


class ValidityStudy:
    """All studies of one dataset.

    Args:
        run: dataset, evaluators, runs and settings of the study.
        scorer: the dataset's evaluators with their calibrated CAS, and the truth classifier where there is one.
        results: results folder.
    """

    def __init__(self, run: ValiditySettings, scorer: Scorer, results: Path):
        self.run, self.scorer, self.results = run, scorer, Path(results)
        self.known, self.dataset, self.scoring = scorer.known, run.dataset, run.scoring

    def table(self) -> pd.DataFrame:
        """All rows, with the columns `craft.evaluation.results.VALIDITY_COLUMNS`.

        Raises:
            CraftError: if a score table or the images of a reward run's checks are missing or broken.
        """
        scores, checks = self.read_scores(), self.read_checks()
        studies = (self.swap_labels(), self.damage_images(), self.ask_truth(scores), self.follow_gaps(checks))
        return validity_table([row for study in studies for row in study], self.dataset)

    def read_scores(self) -> pd.DataFrame:
        """Scores of all images of the dataset, checked."""
        frames = []
        for method, seed in self.run.runs:
            path = self.results / run_file(self.dataset, method, seed, "scores.parquet")
            frames.append(check_scores(pd.read_parquet(require_file(path, "score table")), path))
        return pd.concat(frames, ignore_index=True)

    def read_checks(self) -> dict[str, list[pd.DataFrame]]:
        """The images of the guard's checks by method, one frame a seed."""
        return {
            method: [
                read_checks(self.results / run_file(self.dataset, method, seed, "checks.parquet"))
                for seed in self.run.seeds
            ]
            for method in self.run.rewarded
        }

    def test_images(self, most: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        """Rows of at most so many real test images, their numbers within the test split, and their label numbers."""
        test = self.known.frame[self.known.frame["split"] == "test"]
        labels = self.known.label_numbers(test).numpy()
        rows = pick_balanced(labels, most, self.dataset)
        return test.iloc[rows], rows, labels[rows]

    def truth_chances(self, images: Tensor) -> np.ndarray:
        """The truth's probability of every label, shape (n, labels)."""
        return self.scorer.truth.probabilities(images, self.run.modality, self.run.labels).numpy()

    def swap_labels(self) -> Iterator[dict]:
        """Studies a, e and the first half of f, on real test images with their own and with other labels."""
        frame, rows, labels = self.test_images(self.run.validity.test_images)
        count, numbers = len(self.run.labels), torch.from_numpy(labels)
        sets = shifts_of_sets(labels, count, self.dataset)
        source = f"{self.dataset}/features.safetensors; {self.dataset}/calibration.json"
        for ref in self.run.evaluators:
            features = self.known.split(ref.name, "test")[0][rows]
            scores = score_every_label(self.scorer.alignments[ref.name], features, numbers)
            yield from separate_labels(scores, ref, self.scoring, self.dataset)
            shared = {"evaluator": ref.name, "role": ref.role, "source": source}
            columns = all_scores(scores)[..., : len(COLUMNS)]
            yield from compare_sets(columns, sets, COLUMNS, self.scoring, self.dataset, **shared)
            train = self.known.split(ref.name, "train")[0]
            yield from distance_of_sets(features.numpy(), train.numpy(), self.scoring, self.dataset, **shared)
        if self.scorer.truth:
            chances = self.truth_chances(to_tensor(decode_images(frame)))
            turned = (labels[:, None] + np.arange(count)) % count
            chances = np.take_along_axis(chances, turned, axis=1)[..., None]
            shared = {"evaluator": TRUTH, "role": TRUTH, "source": f"{self.dataset}/images.parquet"}
            yield from compare_sets(chances, sets, (PROBABILITY,), self.scoring, self.dataset, **shared)

    def damage_images(self) -> Iterator[dict]:
        """Study b, under every evaluator and the truth."""
        frame, _, labels = self.test_images(self.run.validity.damaged_images)
        images, numbers = to_tensor(decode_images(frame)), torch.from_numpy(labels)
        judges = {
            name: {(kind, levels[0]): scores for kind, (_, levels) in DAMAGES.items()}
            for name, scores in self.score(images, numbers).items()
        }
        for kind, level, damaged in tqdm(damaged_sets(images, labels, self.dataset), desc="damage", disable=None):
            for name, scores in self.score(damaged, numbers).items():
                judges[name][kind, level] = scores
        roles = {ref.name: ref.role for ref in self.run.evaluators} | {TRUTH: TRUTH}
        for name, scores in judges.items():
            columns = (PROBABILITY,) if name == TRUTH else COLUMNS
            shared = {"evaluator": name, "role": roles[name], "source": f"{self.dataset}/images.parquet"}
            yield from response_to_damage(scores, columns, self.scoring, self.dataset, **shared)

    @torch.inference_mode()
    def score(self, images: Tensor, labels: Tensor, evaluators: list[str] | None = None) -> dict[str, np.ndarray]:
        """Scores of images with labels: `COLUMNS` (n, 5) by evaluator, and the truth's probability (n, 1)."""
        found = {}
        for name in evaluators or self.scorer.evaluators:
            features = self.scorer.evaluators[name].embed(images)
            dimensions = self.scorer.alignments[name](features, labels).numpy()
            found[name] = all_scores(dimensions)[:, : len(COLUMNS)]
        if self.scorer.truth:
            found[TRUTH] = np.take_along_axis(self.truth_chances(images), labels.numpy()[:, None], axis=1)
        return found

    def ask_truth(self, scores: pd.DataFrame) -> Iterator[dict]:
        """Study c and the second half of f, where the truth is known."""
        if not (scores["role"] == TRUTH).any():
            return
        for ref in self.run.evaluators:
            judged, shared = pair_with_truth(scores, ref.name), {"evaluator": ref.name, "role": ref.role}
            yield from follow_truth(judged, self.scoring, self.dataset, **shared)
            yield from order_methods(judged, self.scoring, self.dataset, **shared)

    def follow_gaps(self, checks: dict[str, list[pd.DataFrame]]) -> Iterator[dict]:
        """Study d, for every method that was finetuned with a reward."""
        proxies = [ref for ref in self.run.evaluators if ref.role == "reward"]
        judges = [ref.name for ref in self.run.evaluators if ref.role == "held_out"]
        asked = [ref.name for ref in proxies] + judges
        judges += [TRUTH] if self.scorer.truth else []
        for method, frames in checks.items():
            courses: dict[str, list] = {}
            for frame in frames:
                images, labels = to_tensor(decode_images(frame)), self.known.label_numbers(frame)
                for name, scores in self.score(images, labels, asked).items():
                    courses.setdefault(name, []).append(course(frame, scores[:, -1].astype(float)))
            for ref, judge in product(proxies, judges):
                pair, shared = (courses[ref.name], courses[judge]), {"evaluator": ref.name, "role": ref.role}
                yield from follow_gap(*pair, self.scoring, self.dataset, method, judge, **shared)
