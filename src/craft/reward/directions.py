"""Where visual features point: what plausibility and its training compare."""

import torch.nn.functional as F
from torch import Tensor, nn

# added to every spread, as a share of the mean one, so that numbers that hardly vary do not decide
LEAST_SPREAD = 0.1


class Directions(nn.Module):
    """Features brought to length 1, standardised number by number over known images, and brought to length 1 again.

    What all images of a modality share says nothing then, and what is no image of it, whose features are strong where
    those of known images hardly vary, points elsewhere.

    Args:
        known: features of the known images, shape (n, width).
    """

    def __init__(self, known: Tensor):
        super().__init__()
        unit = F.normalize(known, dim=1)
        spread = unit.std(0, unbiased=False)
        self.register_buffer("centre", unit.mean(0))
        self.register_buffer("spread", (spread + LEAST_SPREAD * spread.mean()).clamp_min(1e-8))

    def forward(self, features: Tensor) -> Tensor:
        """Directions (n, width), of length 1, of features (n, width)."""
        return F.normalize((F.normalize(features, dim=1) - self.centre) / self.spread, dim=1)
