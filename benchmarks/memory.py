"""Memory of a gradient: what autograd keeps, and how much more the backward pass takes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakSet

import torch
from common import PROMPTS
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from craft.core.seeds import Draws
from craft.models.foundation import Foundation
from craft.training.backprop import GradientPlan
from craft.training.sampler import Conditions, sample_latents
from craft.training.settings import BackpropSettings, SamplingSettings

MIB = 2**20
BACKWARD = "backward pass"


class Kept:
    """A tensor that autograd keeps; lives as long as the graph does."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor.detach()  # an output that held itself would never be freed


class SavedTensors:
    """The tensors that autograd keeps of what runs within `counting`.

    Args:
        excluded: tensors that exist anyway, the parameters.
    """

    def __init__(self, excluded: Iterable[Tensor]):
        self.excluded = {tensor.untyped_storage().data_ptr() for tensor in excluded}
        self.kept: WeakSet[Kept] = WeakSet()

    @contextmanager
    def counting(self) -> Iterator[None]:
        def pack(tensor: Tensor) -> Kept:
            kept = Kept(tensor)
            self.kept.add(kept)
            return kept

        with saved_tensors_hooks(pack, lambda kept: kept.tensor):
            yield

    def bytes(self) -> int:
        """Bytes of the storages that are still kept, each counted once."""
        storages = [kept.tensor.untyped_storage() for kept in self.kept]
        sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}
        return sum(size for pointer, size in sizes.items() if pointer not in self.excluded)


@dataclass(frozen=True)
class Peaks:
    """Most bytes held on the CPU: by both passes above what was held before them, by the second above its own start."""

    whole: int
    backward: int


def measure_peaks(forward: Callable[[], Tensor], backward: Callable[[Tensor], object]) -> Peaks:
    """Peak memory of `backward(forward())`, from torch.profiler's record of the allocator."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        result = forward()
        with torch.profiler.record_function(BACKWARD):
            backward(result)
    events = sorted(profile.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    held, before, highest = 0, None, {False: 0, True: 0}
    for event in events:
        if event.name() == BACKWARD:
            before = highest[True] = held
        elif event.name() == "[memory]":
            held += event.nbytes()
            highest[before is not None] = max(highest[before is not None], held)
    return Peaks(max(highest.values()), highest[True] - before)


@dataclass(frozen=True)
class Memory:
    """MiB that one gradient needs.

    Attributes:
        saved: what autograd keeps for the backward pass.
        backward: most that the backward pass holds above what was held when it began.
        step: most that both passes hold above what was held before them.
    """

    saved: float
    backward: float
    step: float


def measure_step(foundation: Foundation) -> Memory:
    """Memory of the gradient of one sampled image's mean brightness through the last sampling step and the decoder."""
    sampling, draws = SamplingSettings(steps=1, guidance_scale=5.0), Draws("memory")
    conditions = Conditions.encode(foundation, PROMPTS[:1])
    noise = draws.normal(1, *foundation.latent_shape)
    plan = GradientPlan.draw(BackpropSettings(mode="last", steps=1), sampling.steps, 1, draws)
    parameters = [*foundation.unet.parameters(), *foundation.vae.parameters()]
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    counter, saved = SavedTensors(parameters), []

    def forward() -> Tensor:
        with counter.counting():
            loss = foundation.decode(sample_latents(foundation, conditions, noise, sampling, plan).latents).mean()
        saved.append(counter.bytes())
        return loss

    peaks = measure_peaks(forward, lambda loss: torch.autograd.grad(loss, trained))
    return Memory(saved[0] / MIB, peaks.backward / MIB, peaks.whole / MIB)
