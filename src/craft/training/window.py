"""What the last batches left behind, for terms that compare distributions rather than images."""

import torch
from torch import Tensor

from craft.reward.scored import Scored
from craft.training.parts import Part


class Window:
    """Scored images of the last batches, of all processes, without their gradient.

    A step sees the batches before it and never its own, so that the division of a batch changes nothing. Batches lie in
    a ring of one slot more than `length`: the slot of the present one is written and not read.

    Args:
        length: how many batches before the present one are seen.
    """

    def __init__(self, length: int):
        self.length = length
        self.kept: dict[str, Tensor] = {}

    def add(self, part: Part, images: Scored) -> Scored:
        """Keep the images of a share and return all of the `length` batches before; none at the first step."""
        slots, own = self.length + 1, images.detach()
        if not self.kept:
            for name, tensor in own.tensors().items():
                self.kept[name] = tensor.new_zeros(slots, part.shares, *tensor.shape)
            self.kept["filled"] = torch.zeros(slots, dtype=torch.bool, device=own.labels.device)
        present = part.step % slots
        for name, tensor in own.tensors().items():
            part.write(self.kept[name][present], tensor)
        self.kept["filled"][present] = True
        earlier = self.kept["filled"].clone()
        earlier[present] = False
        return Scored(**{name: self.kept[name][earlier].flatten(0, 2) for name in own.tensors()})

    def tensors(self) -> dict[str, Tensor]:
        """See `craft.training.checkpoints.Resumable`."""
        return self.kept

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """See `craft.training.checkpoints.Resumable`."""
        self.kept = dict(tensors)
