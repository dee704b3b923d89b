"""What reward finetuning of one dataset needs beside its settings: models, reward, monitor, real images, knowledge."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from craft.core.images import decode_images, read_images, to_tensor
from craft.core.settings import MethodSettings
from craft.knowledge.schema import Knowledge
from craft.models.evaluators import ImageTextEvaluator
from craft.models.foundation import Foundation
from craft.reward.features import Features, read_calibration
from craft.reward.objective import ClinicalReward
from craft.training.guard import Monitor, measure_looks
from craft.training.supervised import RealImages


@dataclass(frozen=True)
class Ingredients:
    """Everything but the settings.

    Attributes:
        foundation: carries the supervised adapter twice: `default`, which is trained, and the frozen `reference`.
        reward: the reward evaluator's clinical reward.
        monitor: what the guard judges by.
        images: real training images.
        book: the modality's knowledge.
    """

    foundation: Foundation
    reward: ClinicalReward
    monitor: Monitor
    images: RealImages
    book: Knowledge

    @classmethod
    def load(
        cls,
        run: MethodSettings,
        *,
        images: Path,
        latents: Path,
        features: Path,
        knowledge: Path,
        calibration: Path,
        start: Path,
        device: str = "cpu",
    ) -> Self:
        """Read the files of one dataset and the models that the settings name.

        Raises:
            CraftError: if a file or model is missing or does not belong to the others.
        """
        frame, book = read_images(images), Knowledge.load(knowledge)
        train, calibrating = (frame[frame["split"] == split] for split in ("train", "calibration"))
        known = Features(features, frame, book)
        evaluators = {ref.role: ref for ref in run.evaluators}
        reward, monitor = evaluators["reward"], evaluators["monitor"]
        maps = read_calibration(calibration, [reward.name, monitor.name])
        foundation = Foundation.load(run.foundation, adapter=start, device=device)
        foundation.freeze_reference(start)
        return cls(
            foundation,
            ClinicalReward(
                ImageTextEvaluator.load(reward.path, device),
                known.alignment(reward.name, maps, run.neighbours),
                run.spec.objective,
                to_tensor(decode_images(calibrating)),
                known.label_numbers(calibrating),
            ),
            Monitor(
                ImageTextEvaluator.load(monitor.path, device),
                known.alignment(monitor.name, maps, run.neighbours),
                measure_looks(to_tensor(decode_images(train))),
            ),
            RealImages.load(latents, train["label"].tolist()),
            book,
        )
