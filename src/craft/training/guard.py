"""The guard against reward hacking: a monitor evaluator that never enters the loss decides which state is kept.

Every few steps the same noise and prompts are sampled and scored. When the monitor's CAS falls below its best by a
tolerance several times in a row, the reward is being won in ways that another evaluator does not recognise: the run
stops. Whatever happens, the state with the best monitor CAS is the one that is kept.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.core.config.methods import Guard, Sampling
from craft.models.evaluators import ImageTextEvaluator
from craft.models.foundation import Foundation
from craft.reward.cas import ClinicalAlignment
from craft.training.loop import Observer
from craft.training.sampler import generate


@dataclass(frozen=True)
class FixedSample:
    """The noise, prompts and labels on which the guard looks, the same at every check."""

    noise: Tensor
    prompts: list[str]
    labels: Tensor


class MonitorGuard(Observer):
    """Scores fixed samples with the monitor evaluator and remembers the best state of the adapter.

    Attributes:
        best: the adapter's parameters at the best check, or None before the first.
    """

    def __init__(
        self,
        foundation: Foundation,
        parameters: list[nn.Parameter],
        monitor: ImageTextEvaluator,
        alignment: ClinicalAlignment,
        sample: FixedSample,
        sampling: Sampling,
        guard: Guard,
        steps: int,
    ):
        self.foundation, self.parameters, self.monitor, self.alignment = foundation, parameters, monitor, alignment
        self.sample, self.sampling, self.guard, self.steps = sample, sampling, guard, steps
        self.best: list[Tensor] | None = None

    @torch.no_grad()
    def score(self) -> dict[str, float]:
        """Monitor CAS of the fixed sample and its diversity (mean pairwise cosine distance within a label)."""
        images = generate(self.foundation, self.sample.prompts, self.sample.noise, self.sampling)
        features = self.monitor.embed(images)
        labels = self.sample.labels
        distances = []
        for label in labels.unique():
            members = features[labels == label]
            pairs = torch.triu_indices(len(members), len(members), 1)
            distances.append(1 - (members @ members.T)[pairs[0], pairs[1]])
        return {
            "monitor": self.alignment.cas(features, labels).mean().item(),
            "diversity": torch.cat(distances).mean().item(),
        }

    def look(self, history: list[dict]) -> str | None:
        """Check at the start, every few steps and at the end; the reason to stop, or None."""
        step = history[-1]["step"]
        if step % self.guard.every and step != self.steps:
            return None
        history[-1] |= self.score()
        checks = [row["monitor"] for row in history if "monitor" in row]
        if checks[-1] >= max(checks):
            self.best = [parameter.detach().clone() for parameter in self.parameters]
            for row in history:
                row["best"] = row is history[-1]
        worse = [value < max(checks) - self.guard.tolerance for value in checks[-self.guard.patience :]]
        if len(worse) == self.guard.patience and all(worse):
            return (
                f"the monitor stayed more than {self.guard.tolerance:g} below its best CAS {max(checks):.3f}"
                f" for {self.guard.patience} checks, while the reward stood at {history[-1]['reward']:.3f}"
            )
        return None

    def tensors(self) -> dict[str, Tensor]:
        return {f"best/{index}": tensor for index, tensor in enumerate(self.best or [])}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        self.best = [tensors[f"best/{index}"] for index in range(len(tensors))]

    @torch.no_grad()
    def keep_best(self) -> None:
        """Put the best state back into the adapter."""
        for parameter, value in zip(self.parameters, self.best, strict=True):
            parameter.copy_(value)
