"""The guard against reward hacking: what the reward cannot see decides which state is kept, and when a run stops.

Every few steps the same noise and prompts are sampled. A state is *sound* while

- its images are as diverse within their labels as `min_diversity` times those of the start, and
- their colour and contrast stand within `max_shift` standard deviations of real images', or nearer than at the start.

Of the sound states, the one with the highest CAS under the monitor evaluator, which never enters the loss, is kept. The
run stops after `patience` checks in a row that are unsound or fall more than `tolerance` below the best CAS: then the
reward is being won in ways that another evaluator does not recognise, or paid for with diversity or with looks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.core.config.methods import Guard as GuardSpec
from craft.core.config.methods import Sampling
from craft.models.evaluators import ImageTextEvaluator
from craft.models.foundation import Foundation
from craft.reward.cas import ClinicalAlignment
from craft.training.loop import Observer
from craft.training.sampler import generate

PICTURES = 12


@dataclass(frozen=True)
class FixedSample:
    """The noise, prompts and labels on which the guard looks, the same at every check."""

    noise: Tensor
    prompts: list[str]
    labels: Tensor


@dataclass(frozen=True)
class Monitor:
    """What the guard judges by: an evaluator that never enters the loss, its calibrated CAS, and real images' looks.

    Attributes:
        evaluator: the monitor evaluator.
        alignment: its calibrated CAS.
        looks: `measure_looks` of real images, shape (n, 4).
    """

    evaluator: ImageTextEvaluator
    alignment: ClinicalAlignment
    looks: Tensor


def measure_looks(images: Tensor) -> Tensor:
    """Mean red, green and blue and the contrast (standard deviation of luminance), (n, 4), of images (n, 3, h, w)."""
    luminance = (images * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1)
    return torch.cat([images.mean((2, 3)), luminance.std((1, 2))[:, None]], dim=1)


def shift_of_looks(generated: Tensor, real: Tensor) -> float:
    """Largest distance of the mean looks of generated images from real ones', in standard deviations of the latter."""
    return ((generated.mean(0) - real.mean(0)).abs() / real.std(0).clamp(min=1e-3)).max().item()


def diversity_within(features: Tensor, labels: Tensor) -> float:
    """Mean distance of two images of the same label, each label weighing the same.

    Args:
        features: one row an image, shape (n, width).
        labels: label numbers, shape (n,); a label with one image says nothing, and 0 is returned if all do.
    """
    distances = [torch.pdist(features[labels == label]) for label in labels.unique()]
    means = [each.mean() for each in distances if len(each)]
    return torch.stack(means).mean().item() if means else 0.0


class Guard(Observer):
    """Looks at fixed samples and remembers the best sound state of the adapter.

    `keep` takes the step and all images of every check.

    Attributes:
        best: the adapter's parameters at the best check.
        pictures: the first images of every check, shape (images, 3, size, size), for a preview.
    """

    def __init__(
        self,
        foundation: Foundation,
        parameters: list[nn.Parameter],
        monitor: Monitor,
        sample: FixedSample,
        sampling: Sampling,
        spec: GuardSpec,
        steps: int,
        keep: Callable[[int, Tensor], None] | None = None,
    ):
        self.foundation, self.parameters, self.monitor = foundation, parameters, monitor
        self.sample, self.sampling, self.spec, self.steps = sample, sampling, spec, steps
        self.keep = keep
        self.best: list[Tensor] = []
        self.pictures: list[Tensor] = []

    @torch.no_grad()
    def measure(self, step: int) -> dict[str, float]:
        """Monitor CAS, diversity and shift of looks of the fixed sample after a step."""
        images = generate(self.foundation, self.sample.prompts, self.sample.noise, self.sampling)
        self.pictures.append((images[:PICTURES] * 255).round().byte())
        if self.keep:
            self.keep(step, images)
        features, labels = self.monitor.evaluator.embed(images), self.sample.labels
        latents = self.foundation.encode_images(images).flatten(1)
        return {
            "monitor": self.monitor.alignment.cas(features, labels).mean().item(),
            "diversity": diversity_within(latents, labels),
            "semantic_diversity": diversity_within(features, labels),
            "shift": shift_of_looks(measure_looks(images), self.monitor.looks),
        }

    def faults(self, row: dict, start: dict) -> list[str]:
        """What is unsound about a check."""
        found = []
        if row["diversity"] < (least := self.spec.min_diversity * start["diversity"]):
            found.append(f"the diversity {row['diversity']:.3f} is below {least:.3f}")
        if row["shift"] > (most := max(self.spec.max_shift, start["shift"])):
            found.append(f"colour or contrast stands {row['shift']:.2f} standard deviations off, more than {most:.2f}")
        return found

    def look(self, history: list[dict]) -> str | None:
        """Check at the start, every few steps and at the end; the reason to stop, or None."""
        row = history[-1]
        if row["step"] % self.spec.every and row["step"] != self.steps:
            return None
        row |= self.measure(row["step"])
        checks = [entry for entry in history if "monitor" in entry]
        faults = self.faults(row, checks[0])
        best = max((entry["monitor"] for entry in checks[:-1] if not entry["fault"]), default=0.0)
        if not faults and row["monitor"] < best - self.spec.tolerance:
            row["fault"] = f"the monitor's CAS {row['monitor']:.3f} is below its best {best:.3f}"
        else:
            row["fault"] = "; ".join(faults)
        if not faults and row["monitor"] >= best:
            self.best = [parameter.detach().clone() for parameter in self.parameters]
            for entry in history:
                entry["best"] = entry is row
        last = [entry["fault"] for entry in checks[-self.spec.patience :]]
        if len(last) == self.spec.patience and all(last):
            return f"{last[-1]} (check {self.spec.patience} in a row; the reward stood at {row['reward']:.3f})"
        return None

    def tensors(self) -> dict[str, Tensor]:
        best = {f"best/{index}": tensor for index, tensor in enumerate(self.best)}
        return best | {f"pictures/{index}": pictures for index, pictures in enumerate(self.pictures)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        for name, tensor in sorted(tensors.items(), key=lambda item: int(item[0].split("/")[1])):
            (self.best if name.startswith("best/") else self.pictures).append(tensor)

    @torch.no_grad()
    def finish(self) -> None:
        """Put the best state back into the adapter."""
        for parameter, value in zip(self.parameters, self.best, strict=True):
            parameter.copy_(value)
