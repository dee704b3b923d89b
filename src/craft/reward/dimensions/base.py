"""What every dimension of CAS provides: one raw score per image, differentiable in the image's embedding."""

from typing import ClassVar

from torch import Tensor, nn

from craft.reward.evidence import Evidence


class Dimension(nn.Module):
    """One question that CAS asks of an image and its intended label.

    Attributes:
        question: in words.
        refuses_impossible: whether the calibration also shows it damaged images and images of other modalities, which
            count as mismatched whatever their label.
    """

    question: ClassVar[str]
    refuses_impossible: ClassVar[bool] = False

    def __init__(self, evidence: Evidence):
        super().__init__()
        self.evidence = evidence

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Raw scores (n,) of embeddings (n, width), L2-normalised, with label numbers (n,); any range."""
        raise NotImplementedError
