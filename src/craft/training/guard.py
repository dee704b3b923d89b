"""The guard against reward hacking: what the reward cannot see decides which state is kept and when to stop.

Every few steps the same noise and prompts are sampled. A state is *sound* while

- its images are as diverse within their labels as `min_diversity` times real images of the same labels, under both of
  the monitor's models, or times those of the start where these are less diverse;
- the monitor's vision encoder, which sees anatomy, finds them as plausible as `min_plausibility` times real images, or
  times those of the start where these are less plausible; and
- their colour and contrast stand within `max_shift` standard deviations of real images', or, where the start's stand
  further off, at most a tenth beyond those.

Of the sound states, the one with the highest CAS under the monitor evaluator, which never enters the loss, is kept. The
training stops after `patience` checks in a row that are unsound or fall more than `tolerance` below the best CAS: then
the reward is being won in ways that another evaluator does not recognise, or paid for with diversity or appearance.
With `acts: false` it measures the same, keeps the last state, and stops nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.models.foundation import Foundation
from craft.reward.cas import ClinicalAlignment
from craft.reward.evidence import ImageFeatures
from craft.reward.judge import Judge
from craft.training.loop import Observer
from craft.training.sampler import generate
from craft.training.settings import GuardSettings, SamplingSettings

PICTURES = 12
BEYOND_START = 1.1  # of the start's shift: the other bounds, too, leave the start some room


@dataclass(frozen=True)
class FixedSample:
    """The noise, prompts and labels that the guard checks, the same every time."""

    noise: Tensor
    prompts: list[str]
    labels: Tensor


@dataclass(frozen=True)
class Monitor:
    """What the guard judges by: models that never enter the loss, their CAS, and what real images reach.

    Attributes:
        judge: evaluator and vision encoder of the role `monitor`.
        alignment: their calibrated CAS.
        appearance: `measure_appearance` of real images, shape (n, 4).
        real: `measure_images` of the same real images.
    """

    judge: Judge
    alignment: ClinicalAlignment
    appearance: Tensor
    real: dict[str, float]

    @classmethod
    def of(
        cls, judge: Judge, alignment: ClinicalAlignment, appearance: Tensor, features: ImageFeatures, labels: Tensor
    ) -> "Monitor":
        """A monitor and what n real images reach under it.

        Args:
            judge: evaluator and vision encoder.
            alignment: their calibrated CAS.
            appearance: `measure_appearance` of the real images, shape (n, 4).
            features: what the judge sees in them.
            labels: numbers of their labels, shape (n,).
        """
        return cls(judge, alignment, appearance, measure_images(alignment, features, labels))


def measure_appearance(images: Tensor) -> Tensor:
    """Mean red, green and blue and the contrast (standard deviation of luminance), (n, 4), of images (n, 3, h, w)."""
    luminance = (images * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1)
    return torch.cat([images.mean((2, 3)), luminance.std((1, 2))[:, None]], dim=1)


def shift_of_appearance(generated: Tensor, real: Tensor) -> float:
    """Largest distance of generated images' mean appearance from real ones', in standard deviations of the latter."""
    return ((generated.mean(0) - real.mean(0)).abs() / real.std(0).clamp(min=1e-3)).max().item()


def diversity_within(features: Tensor, labels: Tensor) -> float:
    """Mean distance of two images of the same label, each label weighing the same.

    Args:
        features: one row per image, shape (n, width).
        labels: label numbers, shape (n,); a label with one image says nothing, and 0 is returned if all do.
    """
    distances = [torch.pdist(features[labels == label]) for label in labels.unique()]
    means = [each.mean() for each in distances if len(each)]
    return torch.stack(means).mean().item() if means else 0.0


@torch.no_grad()
def measure_images(alignment: ClinicalAlignment, features: ImageFeatures, labels: Tensor) -> dict[str, float]:
    """What the monitor makes of n images, as means.

    Returns:
        `monitor`: their CAS; `likeness` to real images: the raw score of plausibility, at least 0; `diversity` within
        labels of the vision encoder's directions; `semantic_diversity` within labels of the evaluator's embeddings.
    """
    plausibility = alignment.raw.dimension("plausibility")
    device = alignment.slope.device
    features, labels = features.to(device), labels.to(device)
    return {
        "monitor": alignment.cas(features, labels).mean().item(),
        "likeness": plausibility(features, labels).mean().clamp_min(0).item(),
        "diversity": diversity_within(plausibility.direction(features.visual), labels),
        "semantic_diversity": diversity_within(features.aligned, labels),
    }


def find_faults(
    row: dict[str, float], start: dict[str, float], real: dict[str, float], settings: GuardSettings
) -> list[str]:
    """What is unsound about a check.

    Args:
        row: what was measured at the check.
        start: the same before the first step.
        real: the same of real images (`Monitor.real`).
        settings: how much is allowed.
    """
    least = dict.fromkeys(("diversity", "semantic_diversity"), settings.min_diversity)
    found = []
    for name, share in (least | {"likeness": settings.min_plausibility}).items():
        if row[name] < (bound := share * min(real[name], start[name])):
            called = "likeness to real images" if name == "likeness" else name.replace("_", " ")
            found.append(f"the {called} {row[name]:.3f} is below {bound:.3f}")
    if row["shift"] > (most := max(settings.max_shift, BEYOND_START * start["shift"])):
        found.append(f"colour or contrast stands {row['shift']:.2f} standard deviations off, more than {most:.2f}")
    return found


class Guard(Observer):
    """Checks a fixed sample and remembers the best sound state of the adapter.

    Args:
        foundation: carries the adapter.
        parameters: of the adapter.
        monitor: what it judges by.
        sample: noise, prompts and labels.
        sampling: how images are sampled.
        settings: how often and how strictly it checks.
        steps: of the training; the last one is checked too.
        keep: takes the step and all images of every check.

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
        sampling: SamplingSettings,
        settings: GuardSettings,
        steps: int,
        keep: Callable[[int, Tensor], None] | None = None,
    ):
        self.foundation, self.parameters, self.monitor = foundation, parameters, monitor
        self.sample, self.sampling, self.settings, self.steps = sample, sampling, settings, steps
        self.keep = keep
        self.best: list[Tensor] = []
        self.pictures: list[Tensor] = []

    @torch.no_grad()
    def measure(self, step: int) -> dict[str, float]:
        """What the monitor makes of the fixed sample after a step, and the shift of its appearance."""
        images = generate(self.foundation, self.sample.prompts, self.sample.noise, self.sampling)
        self.pictures.append((images[:PICTURES] * 255).round().byte())
        if self.keep:
            self.keep(step, images)
        monitor = self.monitor
        found = measure_images(monitor.alignment, monitor.judge.embed(images), self.sample.labels)
        return found | {"shift": shift_of_appearance(measure_appearance(images), monitor.appearance)}

    def check(self, history: list[dict]) -> str | None:
        """Check at the start, every few steps and at the end; the reason to stop, or None."""
        row = history[-1]
        if row["step"] % self.settings.every and row["step"] != self.steps:
            return None
        row |= self.measure(row["step"])
        checks = [entry for entry in history if "monitor" in entry]
        faults, best = [], 0.0
        if self.settings.acts:
            faults = find_faults(row, checks[0], self.monitor.real, self.settings)
            best = max((entry["monitor"] for entry in checks[:-1] if not entry["fault"]), default=0.0)
        if not faults and row["monitor"] < best - self.settings.tolerance:
            row["fault"] = f"the monitor's CAS {row['monitor']:.3f} is below its best {best:.3f}"
        else:
            row["fault"] = "; ".join(faults)
        if not faults and row["monitor"] >= best:
            self.best = [parameter.detach().clone() for parameter in self.parameters]
            for entry in history:
                entry["best"] = entry is row
        last = [entry["fault"] for entry in checks[-self.settings.patience :]]
        if len(last) == self.settings.patience and all(last):
            stood = f"; the reward stood at {row['reward']:.3f}" if "reward" in row else ""
            return f"{last[-1]} (check {self.settings.patience} in a row{stood})"
        return None

    def tensors(self) -> dict[str, Tensor]:
        """See `Observer.tensors`."""
        best = {f"best/{index}": tensor for index, tensor in enumerate(self.best)}
        return best | {f"pictures/{index}": pictures for index, pictures in enumerate(self.pictures)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """See `Observer.restore`."""
        for name, tensor in sorted(tensors.items(), key=lambda item: int(item[0].split("/")[1])):
            (self.best if name.startswith("best/") else self.pictures).append(tensor)

    @torch.no_grad()
    def finish(self) -> None:
        """Put the best state back into the adapter."""
        for parameter, value in zip(self.parameters, self.best, strict=True):
            parameter.copy_(value)
