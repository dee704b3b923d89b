"""CAS of image tables under every evaluator, and the verdict of the classifier of phantoms where there is one."""

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.images import GROUP, decode_images, stream_images, to_tensor
from craft.core.settings import REAL
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, PLAIN_MEAN, score_columns
from craft.evaluation.scoring.settings import ScoreJob
from craft.models.phantom_classifier import PhantomClassifier
from craft.reward.cas import ClinicalAlignment
from craft.reward.combination import combine, plain_mean
from craft.reward.evidence import ImageFeatures
from craft.reward.feature_file import read_calibration
from craft.reward.features import Features, entries_of
from craft.reward.judge import Judge


class Scorer:
    """Scores the images of one dataset.

    Args:
        job: dataset, evaluators and roles.
        known: the dataset's features, table and knowledge.
        judges: evaluator name -> evaluator with its vision encoder.
        alignments: evaluator name -> calibrated CAS on this dataset.
        phantom_classifier: judges phantoms' labels; None for real images.
    """

    def __init__(
        self,
        job: ScoreJob,
        known: Features,
        judges: dict[str, Judge],
        alignments: dict[str, ClinicalAlignment],
        phantom_classifier: PhantomClassifier | None,
    ):
        self.job, self.known, self.judges, self.alignments = job, known, judges, alignments
        self.phantom_classifier = phantom_classifier

    @classmethod
    def load(cls, job: ScoreJob, known: Features, calibration: Path, device: str = "cpu") -> "Scorer":
        """Load the judges, their calibration and the classifier of phantoms that a job names."""
        names = [ref.name for ref in job.evaluators]
        maps = read_calibration(calibration, names)
        return cls(
            job,
            known,
            {ref.name: Judge.load(ref, device) for ref in job.evaluators},
            {ref.name: known.alignment(ref, maps, job.neighbours) for ref in job.evaluators},
            PhantomClassifier.load(job.phantom_classifier, device) if job.phantom_classifier else None,
        )

    def score_real(self) -> pd.DataFrame:
        """Scores of the real test images with their own labels, from the features already encoded."""
        frame = self.known.frame[self.known.frame["split"] == "test"].reset_index(drop=True)
        features = {ref.name: self.known.split(ref, "test")[0] for ref in self.job.evaluators}
        tables = []
        for start in range(0, len(frame), GROUP):
            rows = slice(start, start + GROUP)
            chunk = {name: tensor[rows] for name, tensor in features.items()}
            tables.append(self.tabulate(frame.iloc[rows], None, chunk, REAL, 0))
        return self.join(tables)

    def score(self, path: Path, method: str, seed: int) -> tuple[pd.DataFrame, list[str], dict[str, Tensor]]:
        """Scores of a table of synthetic images with their intended labels, and every judge's features of them.

        The table is streamed, so that memory grows with the scores and features only.

        Returns:
            One row per image and evaluator (`craft.evaluation.scoring.results.score_columns`), the images' ids, and
            tensors (n, width) by the key `<evaluator or encoder>/images`, as in the dataset's feature file.
        """
        tables, ids, features = [], [], {name: [] for name in self.judges}
        for frame in stream_images(path):
            images = to_tensor(decode_images(frame))
            chunk = {name: judge.embed(images, self.job.batch) for name, judge in self.judges.items()}
            tables.append(self.tabulate(frame, images, chunk, method, seed))
            ids += frame["image_id"].to_list()
            for name, part in chunk.items():
                features[name].append(part)
        if not tables:
            raise CraftError(f"{path} has no image; run `snakemake --force {path}`")
        entries: dict[str, Tensor] = {}
        for ref in self.job.evaluators:
            entries |= entries_of(ref, "images", ImageFeatures.join(features[ref.name]))
        return self.join(tables), ids, entries

    def join(self, tables: list[pd.DataFrame]) -> pd.DataFrame:
        """Tables of consecutive images as one, evaluators after each other."""
        whole = pd.concat(tables, ignore_index=True)
        order = {name: number for number, name in enumerate([*self.judges, PHANTOM_CLASSIFIER])}
        return whole.sort_values("evaluator", key=lambda names: names.map(order), kind="stable", ignore_index=True)

    @torch.inference_mode()
    def tabulate(
        self, frame: pd.DataFrame, images: Tensor | None, features: dict[str, ImageFeatures], method: str, seed: int
    ) -> pd.DataFrame:
        """One row per image and evaluator.

        Args:
            frame: rows of an image table.
            images: their pixels (n, 3, h, w), or None where they are decoded only if the classifier of phantoms asks.
            features: what every judge sees in them.
            method: whose images they are.
            seed: of the generator.
        """
        labels = self.known.label_numbers(frame)
        shared = {"image_id": frame["image_id"], "dataset": self.job.dataset, "method": method, "seed": seed}
        shared["label"] = frame["label"]
        tables = []
        for ref in self.job.evaluators:
            alignment = self.alignments[ref.name]
            dimensions = alignment(features[ref.name], labels).numpy()
            scores = dict(zip(alignment.names, dimensions.T, strict=True))
            row = shared | {"evaluator": ref.name, "role": ref.role} | scores
            row |= {"cas": combine(dimensions, alignment.names), PLAIN_MEAN: plain_mean(dimensions)}
            tables.append(pd.DataFrame(row | {"agrees": None}))
        if self.phantom_classifier:
            images = to_tensor(decode_images(frame)) if images is None else images
            tables.append(self.classify(images, labels, shared))
        whole = pd.concat(tables, ignore_index=True).astype({"agrees": "boolean"})
        return whole.reindex(columns=list(score_columns()))

    def classify(self, images: Tensor, labels: Tensor, shared: dict) -> pd.DataFrame:
        """The probability of the intended label under the classifier of phantoms, and whether it is the largest."""
        chances = self.phantom_classifier.probabilities(images, self.job.modality, self.job.labels)
        own, agrees = chances.gather(1, labels[:, None])[:, 0], chances.argmax(1) == labels
        judge = {"evaluator": PHANTOM_CLASSIFIER, "role": PHANTOM_CLASSIFIER}
        return pd.DataFrame(shared | judge | {"cas": own.numpy(), "agrees": agrees.numpy()})
