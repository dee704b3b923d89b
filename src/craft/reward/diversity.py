"""A pull on diversity within labels, up to that of real images.

The diversity of a label is the mean cosine distance of two of its images under the reward's vision encoder. Where the
last batches were less diverse than real images, every new image is pulled away from them; where they were not, nothing
is pulled. Images of one batch are not compared with each other, so that the division of a batch changes nothing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from craft.reward.scored import Scored


class Diversity(nn.Module):
    """What a batch lacks in diversity.

    Args:
        real: real images; each stands at a place of its own.
        count: number of labels.

    Attributes:
        level: diversity of every label's real images, shape (labels,); NaN for a label with one image.
    """

    def __init__(self, real: Scored, count: int):
        super().__init__()
        self.register_buffer("level", diversity_of_labels(real, count))

    def forward(self, images: Scored, past: Scored) -> Tensor:
        """Mean over the images of how much nearer they stand to the past images of their label than two real ones do.

        Only the labels whose past images are less diverse than real ones count; the mean may fall below 0 where the
        batch is more diverse than they are. Differentiable.
        """
        missing = self.level > diversity_of_labels(past, len(self.level))
        distances, counts = mean_distances(images, past)
        pulled = missing[images.labels] & (counts > 0)
        return torch.where(pulled, self.level[images.labels] - distances, 0.0).mean()


def mean_distances(images: Scored, others: Scored) -> tuple[Tensor, Tensor]:
    """Mean cosine distance (n,) of every image to the others of its label at other places, and how many there are."""
    ours, theirs = (F.normalize(each.visual.float(), dim=1) for each in (images, others))
    pairs = (images.labels[:, None] == others.labels) & (images.places[:, None] != others.places)
    counts = pairs.sum(1)
    return ((1 - ours @ theirs.T) * pairs).sum(1) / counts.clamp(min=1), counts


@torch.no_grad()
def diversity_of_labels(images: Scored, count: int) -> Tensor:
    """Mean cosine distance of two images of every label, shape (labels,); NaN for a label without two places."""
    distances, counts = mean_distances(images, images)
    weights = F.one_hot(images.labels, count).to(distances) * counts[:, None]
    return distances @ weights / weights.sum(0)
