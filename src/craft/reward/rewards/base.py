"""What a reward is given to judge by."""

from dataclasses import dataclass

from torch import Tensor

from craft.reward.evidence import ImageFeatures


@dataclass(frozen=True)
class Seen:
    """A batch of images as the reward evaluator saw it; everything is differentiable in the images.

    Attributes:
        images: augmented, shape (n, 3, h, w), about [0, 1].
        labels: numbers of the intended labels, shape (n,).
        features: what the judge sees in them.
        dimensions: of CAS, shape (n, d), each in [0, 1]; calibrated unless `RatingSettings.calibrated` says no.
        names: of the dimensions, in their order.
        prompts: embeddings of the label prompts, shape (labels, width); None where the judge was given none.
    """

    images: Tensor
    labels: Tensor
    features: ImageFeatures
    dimensions: Tensor
    names: list[str]
    prompts: Tensor | None = None

    def dimension(self, name: str) -> Tensor:
        """One calibrated dimension by its name, shape (n,)."""
        return self.dimensions[:, self.names.index(name)]
