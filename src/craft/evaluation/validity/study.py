"""The validity study of one dataset: is CAS a faithful proxy of what the images show?"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, product
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from craft.core.images import decode_images, to_tensor
from craft.core.progress import track
from craft.core.seeds import numpy_generator, torch_generator
from craft.core.settings import REAL, match_files
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES
from craft.evaluation.scoring.scorer import Scorer
from craft.evaluation.statistics.ranks import percentiles
from craft.evaluation.validity.classifier import follow_classifier, order_methods, pair_with_classifier
from craft.evaluation.validity.gap import Course, follow_gap
from craft.evaluation.validity.graded_damage import DAMAGES, damaged_sets, response_to_damage
from craft.evaluation.validity.judges import correlate_dimensions, rate_labels
from craft.evaluation.validity.label_swap import score_every_label, separate_labels
from craft.evaluation.validity.no_images import OTHER_MODALITIES, labels_in_turn, make_no_images, refuse
from craft.evaluation.validity.reliability import reliability
from craft.evaluation.validity.rows import tabulate_studies
from craft.evaluation.validity.same_images import compare_sets, distance_of_sets, shifts_of_sets
from craft.evaluation.validity.scores import CAS, PROBABILITY, gated_and_plain, named_scores
from craft.evaluation.validity.settings import ValidityJob
from craft.models.settings import EvaluatorRef
from craft.reward.damage import COPIES, damage_all
from craft.reward.features import foreign_features
from craft.training.results import read_checks


def pick_balanced(labels: np.ndarray, most: int, *names: str) -> np.ndarray:
    """At most `most` row numbers, in order, drawn so that the labels are as even as can be."""
    order = numpy_generator("validity images", *names).permutation(len(labels))
    turn = pd.Series(labels[order]).groupby(labels[order]).cumcount().to_numpy()
    return np.sort(order[np.argsort(turn, kind="stable")][:most])


class ValidityStudy:
    """All studies of one dataset.

    Args:
        job: dataset, evaluators and settings of the study.
        scorer: the dataset's evaluators with their calibrated CAS, and the classifier of phantoms where there is one.
        scores: of all images (`craft.evaluation.scoring.results.SCORES`), real test images first.
        checks: the images of the guard's checks by rewarded method, one frame per seed.
        others: feature files of other modalities.
    """

    def __init__(
        self,
        job: ValidityJob,
        scorer: Scorer,
        scores: pd.DataFrame,
        checks: dict[str, list[pd.DataFrame]],
        others: list[Path],
    ):
        self.job, self.scorer, self.scores, self.checks, self.others = job, scorer, scores, checks, others
        self.known, self.dataset, self.scoring = scorer.known, job.dataset, job.scoring
        self.roles = {ref.name: ref.role for ref in job.evaluators} | {PHANTOM_CLASSIFIER: PHANTOM_CLASSIFIER}

    @classmethod
    def load(
        cls,
        job: ValidityJob,
        scorer: Scorer,
        real: Path,
        scores: list[Path],
        checks: list[Path],
        others: Sequence[Path] = (),
    ) -> Self:
        """Read what was measured before.

        Args:
            job: names the image sets.
            scorer: of the dataset.
            real: scores of the real test images.
            scores: scores of the generated images, in the order of `job.generated`.
            checks: images of the guard's checks, in the order of `job.rewarded`.
            others: feature files of other modalities.

        Raises:
            CraftError: if a file is missing or broken, or there is not one for every image set.
        """
        paths = [real, *(path for _, path in match_files(job.generated, scores, "--scores"))]
        seen: dict[str, list[pd.DataFrame]] = {}
        for image_set, path in match_files(job.rewarded, checks, "--checks"):
            seen.setdefault(image_set.method, []).append(read_checks(path))
        table = pd.concat([SCORES.load(path) for path in paths], ignore_index=True)
        return cls(job, scorer, table, seen, list(others))

    def table(self) -> pd.DataFrame:
        """All rows, with the columns `craft.evaluation.validity.results.COLUMNS`."""
        studies = (
            *(self.rate_judges(), self.refuse_no_images(), self.swap_labels()),
            *(self.damage_images(), self.ask_classifier(), self.follow_gaps()),
        )
        return tabulate_studies((row for study in studies for row in study), self.dataset)

    @cached_property
    def test(self) -> pd.DataFrame:
        """The image table of the test images."""
        return self.known.frame[self.known.frame["split"] == "test"]

    def pick_test_images(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (n,) of at most so many test images, in order, and those of their labels (n,)."""
        labels = self.known.label_numbers(self.test).numpy()
        rows = pick_balanced(labels, most, self.dataset)
        return rows, labels[rows]

    def of_picked(self, rows: Iterable[dict], count: int) -> Iterator[dict]:
        """Rows of so many test images; if they are not all, they say nothing of the labels' natural prevalence."""
        picked = {"natural": float("nan")} if count < len(self.test) else {}
        return (row | picked for row in rows)

    def classify(self, images: Tensor) -> np.ndarray:
        """The probability of every label according to the classifier of phantoms, shape (n, labels)."""
        return self.scorer.phantom_classifier.probabilities(images, self.job.modality, self.job.labels).numpy()

    def swap_labels(self) -> Iterator[dict]:
        """Studies `label_swap` and `same_images`, and the first half of `drop_one`: real test images, other labels."""
        rows, labels = self.pick_test_images(self.job.validity.test_images)
        count, numbers = len(self.job.labels), torch.from_numpy(labels)
        sets = shifts_of_sets(labels, count, self.dataset)
        for ref in self.job.evaluators:
            shared = self.origin_of(ref)
            features = self.known.split(ref, "test")[0][torch.from_numpy(rows)]
            train, own = self.known.split(ref, "train")
            dimensions = score_every_label(self.scorer.alignments[ref.name], features, numbers)
            common = {"scoring": self.scoring, "dataset": self.dataset, **shared}
            found = (
                separate_labels(dimensions, labels, self.job.labels, **common),
                compare_sets(named_scores(dimensions), sets, labels, **common),
                distance_of_sets((features.aligned.numpy(), labels), (train.aligned.numpy(), own.numpy()), **common),
            )
            yield from self.of_picked(chain.from_iterable(found), len(rows))
        if self.scorer.phantom_classifier:
            chances = self.classify(to_tensor(decode_images(self.test.iloc[rows])))
            turned = (labels[:, None] + np.arange(count)) % count
            scores = {PROBABILITY: np.take_along_axis(chances, turned, axis=1)}
            shared = {"evaluator": PHANTOM_CLASSIFIER, "role": PHANTOM_CLASSIFIER}
            shared["source"] = f"{self.dataset}/images.parquet"
            found = compare_sets(scores, sets, labels, self.scoring, self.dataset, **shared)
            yield from self.of_picked(found, len(rows))

    def rate_judges(self) -> Iterator[dict]:
        """Studies `judges`, `dimensions` and `reliability`: real test images with every label."""
        damaged, picked = self.damage_for_reliability()
        for ref in self.job.evaluators:
            shared = self.origin_of(ref)
            features, numbers = self.known.split(ref, "test")
            alignment = self.scorer.alignments[ref.name]
            dimensions = score_every_label(alignment, features, numbers)
            yield from rate_labels(dimensions, numbers.numpy(), self.scoring, self.dataset, **shared)
            yield from correlate_dimensions(dimensions, numbers.numpy(), self.scoring, self.dataset, **shared)
            for column, name in enumerate(alignment.names):
                matched, mismatched, own = dimensions[:, 0, column], dimensions[:, 1:, column], numbers.numpy()
                if alignment.raw.dimension(name).mismatched == "no_images":
                    matched, mismatched = (scores[..., column] for scores in damaged[ref.name])
                    own = picked
                found = reliability(matched, mismatched, own, self.scoring, self.dataset, name, **shared)
                yield from self.of_picked(found, len(own))

    @torch.inference_mode()
    def damage_for_reliability(self) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], np.ndarray]:
        """By evaluator, dimensions of some test images (n, d) and of damaged copies (n, copies, d); labels (n,)."""
        rows, labels = self.pick_test_images(self.job.validity.damaged_images)
        images, numbers = to_tensor(decode_images(self.test.iloc[rows])), torch.from_numpy(labels)
        damaged = damage_all(images, torch_generator("damaged test images", self.dataset))
        found = {}
        for name, judge in self.scorer.judges.items():
            alignment = self.scorer.alignments[name]
            copies = alignment(judge.embed(damaged), numbers.repeat(COPIES)).numpy().reshape(COPIES, len(images), -1)
            found[name] = (alignment(judge.embed(images), numbers).numpy(), copies.transpose(1, 0, 2))
        return found, labels

    @torch.inference_mode()
    def refuse_no_images(self) -> Iterator[dict]:
        """Study `no_images`, under every evaluator."""
        size = decode_images(self.test.iloc[[0]]).shape[1]
        made = make_no_images(self.job.validity.no_images, size, self.dataset)
        for ref in self.job.evaluators:
            judge, alignment = self.scorer.judges[ref.name], self.scorer.alignments[ref.name]
            seen = {kind: judge.embed(images) for kind, images in made.items()}
            foreign = foreign_features(self.others, ref, "test", self.job.validity.no_images)
            seen |= {} if foreign is None else {OTHER_MODALITIES: foreign}
            scores = {
                kind: gated_and_plain(alignment(part, labels_in_turn(len(part), alignment.labels)).numpy())
                for kind, part in seen.items()
            }
            test, labels = self.known.split(ref, "test")
            real = gated_and_plain(alignment(test, labels).numpy())
            yield from refuse(scores, real, labels.numpy(), self.scoring, self.dataset, **self.origin_of(ref))

    def origin_of(self, ref: EvaluatorRef) -> dict[str, str]:
        """Evaluator, role and files of rows on real test images."""
        source = f"{self.dataset}/features.safetensors; {self.dataset}/calibration.json"
        return {"evaluator": ref.name, "role": ref.role, "source": source}

    def damage_images(self) -> Iterator[dict]:
        """Study `damage`, under every evaluator and the classifier of phantoms."""
        rows, labels = self.pick_test_images(self.job.validity.damaged_images)
        images, numbers = to_tensor(decode_images(self.test.iloc[rows])), torch.from_numpy(labels)
        judges = {
            name: {(kind, levels[0]): scores for kind, (_, levels) in DAMAGES.items()}
            for name, scores in self.judge(images, numbers).items()
        }
        for kind, level, damaged in track(damaged_sets(images, labels, self.dataset), "damage"):
            for name, scores in self.judge(damaged, numbers).items():
                judges[name][kind, level] = scores
        for name, scores in judges.items():
            shared = {"evaluator": name, "role": self.roles[name], "source": f"{self.dataset}/images.parquet"}
            found = response_to_damage(scores, labels, self.scoring, self.dataset, **shared)
            yield from self.of_picked(found, len(rows))

    @torch.inference_mode()
    def judge(
        self, images: Tensor, labels: Tensor, evaluators: list[str] | None = None
    ) -> dict[str, dict[str, np.ndarray]]:
        """Scores of images with labels by judge and name, shapes (n,).

        Args:
            images: shape (n, 3, height, width), in [0, 1].
            labels: their numbers, shape (n,).
            evaluators: whose `named_scores` are taken; None for all. The classifier of phantoms, where there is one,
                always gives its `PROBABILITY`.
        """
        found = {}
        for name in evaluators or self.scorer.judges:
            features = self.scorer.judges[name].embed(images)
            found[name] = named_scores(self.scorer.alignments[name](features, labels).numpy())
        if self.scorer.phantom_classifier:
            chances = self.classify(images)
            found[PHANTOM_CLASSIFIER] = {PROBABILITY: chances[np.arange(len(labels)), labels.numpy()]}
        return found

    def ask_classifier(self) -> Iterator[dict]:
        """Study `classifier` and the second half of `drop_one`, where the images are phantoms."""
        if not (self.scores["role"] == PHANTOM_CLASSIFIER).any():
            return
        for ref in self.job.evaluators:
            judged = pair_with_classifier(self.scores, ref.name, self.job.given)
            shared = {"evaluator": ref.name, "role": ref.role, "source": f"{self.dataset}/*/seed*/scores.parquet"}
            yield from follow_classifier(judged, self.scoring, self.dataset, **shared)
            yield from order_methods(judged, self.scoring, self.dataset, **shared)

    def follow_gaps(self) -> Iterator[dict]:
        """Study `gap`, for every method that was finetuned with a reward."""
        proxies = [ref for ref in self.job.evaluators if ref.role == "reward"]
        judges = [ref.name for ref in self.job.evaluators if ref.role == "held_out"]
        asked = [ref.name for ref in proxies] + judges
        judges += [PHANTOM_CLASSIFIER] if self.scorer.phantom_classifier else []
        for method, frames in self.checks.items():
            seen = [
                self.judge(to_tensor(decode_images(frame)), self.known.label_numbers(frame), asked) for frame in frames
            ]
            for ref, judge in product(proxies, judges):
                courses = [
                    Course.of(frame, *(self.among_real(name, scores[name]) for name in (ref.name, judge)))
                    for frame, scores in zip(frames, seen, strict=True)
                ]
                shared = {"evaluator": ref.name, "role": ref.role}
                yield from follow_gap(courses, self.scoring, self.dataset, method, judge, **shared)

    def among_real(self, judge: str, scores: dict[str, np.ndarray]) -> np.ndarray:
        """Percentiles of a judge's CAS or probability (n,) among its scores of all real test images."""
        real = self.scores[(self.scores["method"] == REAL) & (self.scores["evaluator"] == judge)]
        own = scores[PROBABILITY if judge == PHANTOM_CLASSIFIER else CAS]
        return percentiles(own.astype(float), real["cas"].to_numpy(float), real["label"].to_numpy())
