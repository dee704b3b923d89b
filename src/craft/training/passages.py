"""On which way the reward's gradient reaches the adapter: what a share of a batch becomes before it is decoded."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from craft.core.seeds import Draws
from craft.knowledge.schema import Knowledge
from craft.models.foundation import Foundation
from craft.reward.objective import anchor
from craft.training.backprop import GradientPlan
from craft.training.methods.reward import RewardMethod
from craft.training.parts import Part
from craft.training.prompts import balanced_labels, draw_prompts
from craft.training.sampler import Conditions, Trajectory, sample_latents
from craft.training.settings import SamplingSettings


class Passage(Protocol):
    """A share of a batch on its way.

    Attributes:
        latents: scaled latents that carry the gradient, shape (n, channels, height, width).
        labels: numbers of their labels, shape (n,).
        places: of the samples in the whole batch, shape (n,).
    """

    latents: Tensor
    labels: Tensor
    places: Tensor

    def distance_to_anchor(self, draws: Draws) -> Tensor:
        """Distance of the prediction to the anchor adapter's on states of the way."""

    def describe(self, rewards: Tensor) -> dict[str, float]:
        """What to log of the way, given the rewards (n,) that it led to."""


@dataclass
class Way:
    """Makes the passages of a training; what it remembers from step to step travels in the checkpoints.

    Attributes:
        foundation: carries the adapter.
        knowledge: labels and prompts.
        settings: of the method.
        sampling: how images are sampled.
        seed: names the random draws.
    """

    foundation: Foundation
    knowledge: Knowledge
    settings: RewardMethod
    sampling: SamplingSettings
    seed: str

    def __call__(self, part: Part, draws: Draws) -> Passage:
        """The passage of a share of a step's batch."""
        raise NotImplementedError

    def tensors(self) -> dict[str, Tensor]:
        """See `craft.training.checkpoints.Resumable`."""
        return {}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """See `craft.training.checkpoints.Resumable`."""


@dataclass(frozen=True)
class SampledPassage:
    """Through the sampler, from noise: see `Passage`."""

    foundation: Foundation
    conditions: Conditions
    path: Trajectory
    labels: Tensor
    places: Tensor

    @property
    def latents(self) -> Tensor:
        return self.path.latents

    def distance_to_anchor(self, draws: Draws) -> Tensor:
        """On one state of the sampled trajectory, drawn uniformly."""
        index = draws.common(len(self.path.inputs))
        arguments = (self.path.inputs[index], self.path.timesteps[index])
        states = self.conditions.states
        with self.foundation.anchor():
            anchored = self.foundation.unet(*arguments, encoder_hidden_states=states).sample
        return anchor(self.foundation.unet(*arguments, encoder_hidden_states=states).sample, anchored)

    def describe(self, rewards: Tensor) -> dict[str, float]:
        """Nothing beside the reward itself."""
        return {}


class SampledWay(Way):
    """Every step samples a batch, part of it with gradient (`craft.training.backprop`)."""

    def __call__(self, part: Part, draws: Draws) -> SampledPassage:
        """See `Way`."""
        foundation, labels, batch = self.foundation, list(self.knowledge.labels), self.settings.training.batch
        names = balanced_labels(labels, batch, offset=(part.step * part.shares + part.share) * batch)
        conditions = Conditions.encode(foundation, draw_prompts(self.knowledge, names, self.settings.prompts, draws))
        noise = draws.normal(batch, *foundation.latent_shape)
        plan = GradientPlan.draw(self.settings.backprop, self.sampling.steps, batch, draws)
        path = sample_latents(foundation, conditions, noise, self.sampling, plan, draws)
        numbers = torch.tensor([labels.index(name) for name in names])
        numbers, places = (each.to(foundation.device).repeat(plan.variants) for each in (numbers, part.places(batch)))
        return SampledPassage(foundation, conditions, path, numbers, places)
