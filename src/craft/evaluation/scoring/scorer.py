"""CAS of image tables under every evaluator, and the truth classifier's verdict where there is one."""

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from craft.core.config.base import REAL
from craft.core.errors import CraftError
from craft.core.images import GROUP, decode_images, stream_images, to_tensor
from craft.core.settings import ScoreSettings
from craft.evaluation.results import TRUTH
from craft.models.evaluators import ImageTextEvaluator
from craft.models.truth import TruthClassifier
from craft.reward.cas import DIMENSIONS, ClinicalAlignment
from craft.reward.features import Features, read_calibration


class Scorer:
    """Scores the images of one dataset.

    Args:
        run: dataset, evaluators and roles.
        known: the dataset's features, table and knowledge.
        evaluators: evaluator name -> model.
        alignments: evaluator name -> calibrated CAS on this dataset.
        truth: the truth classifier, or None for real images.
    """

    def __init__(
        self,
        run: ScoreSettings,
        known: Features,
        evaluators: dict[str, ImageTextEvaluator],
        alignments: dict[str, ClinicalAlignment],
        truth: TruthClassifier | None,
    ):
        self.run, self.known, self.evaluators, self.alignments, self.truth = run, known, evaluators, alignments, truth

    @classmethod
    def load(cls, run: ScoreSettings, known: Features, calibration: Path, device: str = "cpu") -> "Scorer":
        """Load evaluators, calibration and the truth classifier of a run."""
        names = [ref.name for ref in run.evaluators]
        maps = read_calibration(calibration, names)
        return cls(
            run,
            known,
            {ref.name: ImageTextEvaluator.load(ref.path, device) for ref in run.evaluators},
            {name: known.alignment(name, maps, run.neighbours) for name in names},
            TruthClassifier.load(run.truth, device) if run.truth else None,
        )

    def score_real(self) -> pd.DataFrame:
        """Scores of the real test images with their own labels, from the features already encoded."""
        frame = self.known.frame[self.known.frame["split"] == "test"].reset_index(drop=True)
        features = {name: self.known.split(name, "test")[0] for name in self.evaluators}
        tables = []
        for start in range(0, len(frame), GROUP):
            rows = slice(start, start + GROUP)
            chunk = {name: tensor[rows] for name, tensor in features.items()}
            tables.append(self.tabulate(frame.iloc[rows], None, chunk, REAL, 0))
        return self.join(tables)

    def score(self, path: Path, method: str, seed: int) -> tuple[pd.DataFrame, dict[str, Tensor]]:
        """Scores of a table of synthetic images with their intended labels, and every evaluator's features of them.

        The table is streamed, so that memory grows with the scores and features only.

        Returns:
            One row an image and evaluator (`craft.evaluation.results.SCORE_COLUMNS`), and tensors (n, width) by the key
            `<evaluator>/images`, as in the dataset's feature file.
        """
        tables, features = [], {name: [] for name in self.evaluators}
        for frame in stream_images(path):
            images = to_tensor(decode_images(frame))
            chunk = {name: evaluator.embed(images) for name, evaluator in self.evaluators.items()}
            tables.append(self.tabulate(frame, images, chunk, method, seed))
            for name, tensor in chunk.items():
                features[name].append(tensor)
        if not tables:
            raise CraftError(f"{path} has no image; run `snakemake --force {path}`")
        return self.join(tables), {f"{name}/images": torch.cat(chunks) for name, chunks in features.items()}

    def join(self, tables: list[pd.DataFrame]) -> pd.DataFrame:
        """Tables of consecutive images as one, evaluators after each other."""
        whole = pd.concat(tables, ignore_index=True)
        order = {name: number for number, name in enumerate([*self.evaluators, TRUTH])}
        return whole.sort_values("evaluator", key=lambda names: names.map(order), kind="stable", ignore_index=True)

    @torch.inference_mode()
    def tabulate(
        self, frame: pd.DataFrame, images: Tensor | None, features: dict[str, Tensor], method: str, seed: int
    ) -> pd.DataFrame:
        """One row an image and evaluator.

        Args:
            frame: rows of an image table.
            images: their pixels (n, 3, h, w), or None where they are yet to be decoded if the truth classifier asks.
            features: every evaluator's embeddings of them, shape (n, width).
            method: whose images they are.
            seed: of the generator.
        """
        labels = self.known.label_numbers(frame)
        shared = {"image_id": frame["image_id"], "dataset": self.run.dataset, "method": method, "seed": seed}
        shared["label"] = frame["label"]
        tables = []
        for ref in self.run.evaluators:
            dimensions = self.alignments[ref.name](features[ref.name], labels).numpy()
            scores = {name: dimensions[:, column] for column, name in enumerate(DIMENSIONS)}
            row = shared | {"evaluator": ref.name, "role": ref.role} | scores | {"cas": dimensions.mean(1)}
            tables.append(pd.DataFrame(row | {"agrees": None}))
        if self.truth:
            images = to_tensor(decode_images(frame)) if images is None else images
            chances = self.truth.probabilities(images, self.run.modality, self.run.labels)
            agrees = (chances.argmax(1) == labels).numpy()
            row = shared | {"evaluator": TRUTH, "role": TRUTH} | dict.fromkeys(DIMENSIONS, float("nan"))
            own = chances.gather(1, labels[:, None])[:, 0].numpy()
            tables.append(pd.DataFrame(row | {"cas": own, "agrees": agrees}))
        return pd.concat(tables, ignore_index=True).astype({"agrees": "boolean"})
