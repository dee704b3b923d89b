"""CAS of image tables under every evaluator, and the truth classifier's verdict where there is one."""

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from craft.core.config.base import REAL
from craft.core.images import decode_images, read_images, to_tensor
from craft.core.settings import ScoreSettings
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
        return self.tabulate(frame, features, REAL, 0)

    def score(self, path: Path, method: str, seed: int) -> pd.DataFrame:
        """Scores of a table of synthetic images with their intended labels."""
        frame = read_images(path)
        images = to_tensor(decode_images(frame))
        features = {name: evaluator.embed(images) for name, evaluator in self.evaluators.items()}
        return self.tabulate(frame, features, method, seed)

    @torch.inference_mode()
    def tabulate(self, frame: pd.DataFrame, features: dict[str, Tensor], method: str, seed: int) -> pd.DataFrame:
        """One row an image and evaluator; see `craft.evaluation.results.SCORE_COLUMNS`."""
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
            images = to_tensor(decode_images(frame))
            chances = self.truth.probabilities(images, self.run.modality, self.run.labels)
            agrees = (chances.argmax(1) == labels).numpy()
            row = shared | {"evaluator": "truth", "role": "truth"} | dict.fromkeys(DIMENSIONS, float("nan"))
            own = chances.gather(1, labels[:, None])[:, 0].numpy()
            tables.append(pd.DataFrame(row | {"cas": own, "agrees": agrees}))
        return pd.concat(tables, ignore_index=True).astype({"agrees": "boolean"})
