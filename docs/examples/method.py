"""How many real images does an adapter need? A supervised method that sees the first N of each label."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from craft.core.settings import Positive
from craft.training.methods import METHODS
from craft.training.methods.base import MethodFiles, Trained
from craft.training.methods.supervised import SupervisedMethod
from craft.training.settings import MethodJob


@METHODS.register("few_shot")
class FewShotMethod(SupervisedMethod):
    """A LoRA adapter trained on a few real images of each label."""

    kind: Literal["few_shot"] = Field(description="a LoRA adapter trained on a few real images of each label")
    images_per_label: Positive = Field(16, description="training images of each label")

    def train(self, job: MethodJob, files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """See `MethodSettings.train`; what is heavy is imported only where it is needed."""
        from craft.core.images import read_images
        from craft.knowledge.schema import Knowledge
        from craft.models.foundation import Foundation
        from craft.training.supervised import RealImages, train_supervised

        foundation = Foundation.load(job.foundation.path, device=device)
        rows = read_images(files.images, "train").groupby("label").head(self.images_per_label)
        images, knowledge = RealImages.load(files.latents, rows), Knowledge.load(files.knowledge)
        return Trained(foundation, train_supervised(foundation, self, images, knowledge, job.seed_name, checkpoints))
