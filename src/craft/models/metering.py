"""What was spent on a UNet: evaluations, and the time of processors and GPUs."""

import resource
import time

import torch
from torch import Tensor, nn

from craft.core.costs import SPENT


class Meter:
    """Counts an image's forward pass through a UNet as one evaluation and its backward pass as two.

    The clocks run from when it is made. What a backward pass computes again is not counted.

    Args:
        unet: whose passes are counted.
        device: where it is; on a GPU all the time counts as the GPU's.
    """

    def __init__(self, unet: nn.Module, device: torch.device):
        self.evaluations, self.on_gpu = 0, device.type == "cuda"
        self.before = dict.fromkeys(SPENT, 0.0)
        self.started = (time.process_time(), time.perf_counter())
        unet.register_forward_hook(self.after_forward)

    @torch.compiler.disable
    def after_forward(self, module: nn.Module, arguments: tuple, output) -> None:
        prediction = output.sample if hasattr(output, "sample") else output[0]
        self.evaluations += len(prediction)
        if prediction.requires_grad:
            prediction.register_hook(self.after_backward)

    def after_backward(self, gradient: Tensor) -> None:
        self.evaluations += 2 * len(gradient)

    def read(self) -> dict[str, float]:
        """What was spent so far, by the names of `SPENT`."""
        processor, clock = time.process_time() - self.started[0], time.perf_counter() - self.started[1]
        found = dict(zip(SPENT, (float(self.evaluations), processor, clock * self.on_gpu), strict=True))
        return {name: value + self.before[name] for name, value in found.items()}

    def resume(self, spent: dict[str, float]) -> None:
        """Go on from what `read` returned before an interruption, as if nothing had been spent since."""
        self.evaluations, self.before = 0, {name: spent[name] for name in SPENT}
        self.started = (time.process_time(), time.perf_counter())


def peak_memory_mb() -> float:
    """Largest memory of this process so far, MB: on the device where there is one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
