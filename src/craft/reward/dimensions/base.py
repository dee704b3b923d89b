"""What every dimension of CAS provides: one raw score per image, differentiable in the image's features."""

from typing import ClassVar, Literal

from torch import Tensor, nn

from craft.reward.evidence import Evidence, ImageFeatures


class Dimension(nn.Module):
    """One question that CAS asks of an image and its intended label.

    Attributes:
        question: in words.
        mismatched: what the calibration shows it as mismatched: a real image with `other_labels`; or `no_images` of the
            modality, whatever their label: damaged images, noise, blank and two-valued images, other modalities.
        gate: whether it multiplies CAS instead of being averaged into it (`craft.reward.cas.combine`).
    """

    question: ClassVar[str]
    mismatched: ClassVar[Literal["other_labels", "no_images"]] = "other_labels"
    gate: ClassVar[bool] = False

    def __init__(self, evidence: Evidence):
        super().__init__()
        self.evidence = evidence

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """Raw scores (n,) of the features of n images with label numbers (n,); any range."""
        raise NotImplementedError
