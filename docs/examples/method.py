"""What do mistakes in the labels cost? A supervised method that deals the labels of some of its images anew."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from craft.core.settings import Share
from craft.training.methods import METHODS
from craft.training.methods.base import MethodFiles, Trained
from craft.training.methods.supervised import SupervisedMethod
from craft.training.settings import MethodJob


@METHODS.register("mislabelled")
class MislabelledMethod(SupervisedMethod):
    """A LoRA adapter trained on real images, some of which have the label of another."""

    kind: Literal["mislabelled"] = Field(description="a LoRA adapter trained on real images with mistaken labels")
    share: Share = Field(0.2, description="share of the training images whose labels are dealt anew among them")

    def train(self, job: MethodJob, files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """See `MethodSettings.train`; what is heavy is imported only where it is needed."""
        from craft.core.images import read_images
        from craft.core.seeds import numpy_generator
        from craft.knowledge.schema import Knowledge
        from craft.models.foundation import Foundation
        from craft.training.supervised import RealImages, train_supervised

        foundation = Foundation.load(job.foundation.path, device=device)
        rows, rng = read_images(files.images, "train"), numpy_generator("mislabelled", job.seed_name)
        dealt = rng.random(len(rows)) < self.share
        rows.loc[dealt, "label"] = rng.permutation(rows.loc[dealt, "label"].to_numpy())
        images, knowledge = RealImages.load(files.latents, rows), Knowledge.load(files.knowledge)
        return Trained(foundation, train_supervised(foundation, self, images, knowledge, job.seed_name, checkpoints))
