"""The gradient at any noise level: `backprop: {mode: direct}`, the Direct-Align of SRPO (arXiv 2509.06942).

A finished sample x0, made with the sampler and without gradient, is noised with known noise e to a level t, where the
model predicts the noise once, with gradient. The model takes the sample back to the level u = max(t - span, 0), the
known noise the rest of the way:

    x_t = a_t x0 + s_t e,    x0' = x0 + (s_t / a_t - s_u / a_u) (e - prediction),    a_u = 1 and s_u = 0 at u = 0

A model that predicts e exactly gives x0 back. One sample serves several steps, each time with fresh noise and another
level. Every step renews the same share of the samples, so that their ages are mixed and no step costs more than
another, but for the first, which makes them all.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from craft.core.seeds import Draws
from craft.models.foundation import Foundation
from craft.reward.objective import anchor
from craft.training.denoising import target_of
from craft.training.parts import Part
from craft.training.passages import Way
from craft.training.prompts import draw_prompts
from craft.training.sampler import Conditions, predict, sample_latents

THIRDS = ("low", "middle", "high")


def recover(scheduler, samples: Tensor, noise: Tensor, timesteps: Tensor, prediction: Tensor, span: int) -> Tensor:
    """x0' of the samples, differentiable in the prediction.

    Args:
        scheduler: the foundation's `noise_schedule`.
        samples: x0, scaled latents, shape (n, channels, height, width).
        noise: e, of the same shape.
        timesteps: t of every sample, shape (n,).
        prediction: of the model at t, of the samples' shape.
        span: timesteps that the model takes the sample back.
    """
    signals = scheduler.alphas_cumprod.to(samples)
    # s / a at every timestep, after that of a clean sample
    ratios = F.pad((1 / signals - 1).sqrt(), (1, 0))
    alpha, sigma = signals[timesteps].sqrt(), (1 - signals[timesteps]).sqrt()
    way = sigma - alpha * ratios[(timesteps - span).clamp(min=-1) + 1]
    # the velocity's error is the noise's over a_t, and the clean sample's over -s_t
    factor = {"v_prediction": way, "epsilon": way / alpha, "sample": -way / sigma}[scheduler.config.prediction_type]
    return samples + factor.view(-1, 1, 1, 1) * (target_of(scheduler, samples, noise, timesteps) - prediction)


@dataclass(frozen=True)
class DirectPassage:
    """From a finished sample, noised and predicted once: see `craft.training.passages.Passage`.

    Attributes:
        noisy: the noised samples x_t.
        timesteps: t of every sample, shape (n,).
        prediction: the conditional prediction at x_t, with gradient.
        thirds: which third of the levels t lies in, shape (n,).
        ages: steps since the samples were made, shape (n,).
    """

    foundation: Foundation
    conditions: Conditions
    latents: Tensor
    labels: Tensor
    places: Tensor
    noisy: Tensor
    timesteps: Tensor
    prediction: Tensor
    thirds: Tensor
    ages: Tensor

    def distance_to_anchor(self, draws: Draws) -> Tensor:
        """On the noised samples, each at its own level; the prediction there is made already."""
        with self.foundation.anchor():
            states = self.conditions.states
            anchored = self.foundation.unet(self.noisy, self.timesteps, encoder_hidden_states=states).sample
        return anchor(self.prediction, anchored)

    def describe(self, rewards: Tensor) -> dict[str, float]:
        """Mean age, and share and part of the mean reward of every third of the levels."""
        logs = {"age": self.ages.float().mean().item()}
        for third, name in enumerate(THIRDS):
            inside = (self.thirds == third).to(rewards)
            logs |= {f"share_{name}": inside.mean().item(), f"reward_{name}": (inside * rewards).mean().item()}
        return logs


@dataclass
class DirectWay(Way):
    """Keeps finished samples, renews a share of them at every step, and gives all of them a gradient.

    Attributes:
        samples: x0 of the whole batch, shape (shares, batch, channels, height, width); None before the first step.
    """

    samples: Tensor | None = None

    def __call__(self, part: Part, draws: Draws) -> DirectPassage:
        """See `Way`."""
        foundation, backprop, batch = self.foundation, self.settings.backprop, self.settings.training.batch
        scheduler, device = foundation.noise_schedule, foundation.device
        labels, born = self.turns(part)
        conditions = self.conditions(part, labels, born)
        samples = self.renew(part, born, conditions)
        noise = draws.normal(batch, *foundation.latent_shape).to(device)
        count = scheduler.config.num_train_timesteps
        first, last = (round(level * count) for level in backprop.levels)
        drawn = draws.integers(last - first, batch).to(device)
        timesteps = first + drawn
        noisy = scheduler.add_noise(samples, noise, timesteps)
        guided, conditional = predict(foundation.unet, noisy, timesteps, conditions, backprop.guidance_scale)
        latents = recover(scheduler, samples, noise, timesteps, guided, round(backprop.span * count))
        return DirectPassage(
            foundation,
            conditions,
            latents,
            labels.to(device),
            part.places(batch).to(device),
            noisy,
            timesteps,
            conditional,
            thirds=3 * drawn // (last - first),
            ages=part.step - born,
        )

    def turns(self, part: Part) -> tuple[Tensor, Tensor]:
        """Label numbers of the share's samples and the steps at which they were made, both of shape (batch,).

        A sample at place p is renewed at the steps p, p + uses, p + 2 uses, ...; those of the first step stand in for
        the ones that were due before it, so that they are renewed in turn as well. Labels follow each other in the
        order in which the samples were due.
        """
        uses, batch = self.settings.backprop.uses, self.settings.training.batch
        places = part.places(batch)
        due = part.step - (part.step - places) % uses
        number = due * -(-part.shares * batch // uses) + places // uses
        return number % len(self.knowledge.labels), due.clamp(min=1)

    def conditions(self, part: Part, labels: Tensor, born: Tensor) -> Conditions:
        """Text states of the share's samples: the prompts that were drawn when they were made."""
        keys = list(self.knowledge.labels)
        names, prompts = [keys[label] for label in labels], {}
        for step in born.unique().tolist():
            draws = replace(part, step=step).draws("prompts of samples", self.seed)
            prompts[step] = draw_prompts(self.knowledge, names, self.settings.prompts, draws)
        chosen = [prompts[step][index] for index, step in enumerate(born.tolist())]
        return Conditions.encode(self.foundation, chosen)

    @torch.no_grad()
    def renew(self, part: Part, born: Tensor, conditions: Conditions) -> Tensor:
        """The share's samples, those that are due at this step made anew; shape (batch, channels, height, width)."""
        foundation, batch = self.foundation, self.settings.training.batch
        if self.samples is None:
            shape = (part.shares, batch, *foundation.latent_shape)
            self.samples = torch.full(shape, torch.nan, device=foundation.device)
        own, rows = self.samples[part.share].clone(), born == part.step
        if rows.any():
            noise = part.draws("noise of samples", self.seed).normal(batch, *foundation.latent_shape)
            chosen = Conditions(conditions.states[rows], conditions.empty)
            sampling = self.settings.backprop.rollout or self.sampling
            own[rows] = sample_latents(foundation, chosen, noise[rows], sampling).latents.to(own)
        part.write(self.samples, own)
        return own

    def tensors(self) -> dict[str, Tensor]:
        """See `Way`."""
        return {} if self.samples is None else {"samples": self.samples}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """See `Way`."""
        self.samples = tensors.get("samples")
