"""Diffusion-DPO (Wallace et al. 2023, arXiv 2311.12908) on preferences that a checklist tells.

Of two images of one prompt, the one that shows more of its label's checklist items is preferred, as the reward
evaluator sees them: an item is satisfied where the image is nearer to its statement than to its contradiction. Where
neither satisfies more than `lose_share` of the items (two of five), both lose; where both satisfy equally many above
that, both win. With the sign +1 of a winner and -1 of a loser, and e and e_ref the denoising errors of the model and of
the frozen start,

    loss = -log sigmoid( -beta / 2 * sum over both images of sign * (e - e_ref) )

which for a winner and a loser is the loss of Diffusion-DPO; that it is also taken of two winners or two losers is our
reading of checklists as preferences, of which MAGIC (arXiv 2506.12323) gave the example.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from craft.training.craft import RewardInputs
from craft.training.denoising import denoising_errors, draw_noise
from craft.training.methods.pooled import PooledMethod
from craft.training.parts import Part
from craft.training.pool import Pool
from craft.training.pooled import add_real


def satisfied_share(pool: Pool, items: list[Tensor]) -> Tensor:
    """Share of the items of its label that every image of a pool satisfies, shape (n,).

    Args:
        pool: the images.
        items: of every label, embeddings of the statements less those of their contradictions, shapes (items, width).
    """
    shares = torch.empty(len(pool))
    for label, contrasts in enumerate(items):
        rows = pool.labels == label
        shares[rows] = (pool.features.aligned[rows] @ contrasts.T.to("cpu") > 0).float().mean(1)
    return shares


def preference_signs(first: Tensor, second: Tensor, lose_share: float) -> Tensor:
    """+1 for the winners and -1 for the losers among pairs of images; shape (pairs, 2).

    Args:
        first: share of satisfied items of the first image of every pair, shape (pairs,).
        second: of the second one.
        lose_share: where neither satisfies more than this share, both lose.
    """
    signs = torch.stack([first - second, second - first], dim=1).sign()
    signs[first == second] = 1
    signs[torch.maximum(first, second) <= lose_share + 1e-6] = -1
    return signs


class PreferenceLoss:
    """The loss above, of pairs of a pool, and the denoising loss on real images.

    Args:
        settings: batch, `beta` and `lose_share`.
        inputs: model with its frozen anchor, checklist items, real images and knowledge.
        pool: two images of every prompt.
        seed: names the random draws.

    Attributes:
        signs: of every pair, shape (pairs, 2).
    """

    def __init__(self, settings: PooledMethod, inputs: RewardInputs, pool: Pool, seed: str):
        self.settings, self.inputs, self.pool, self.seed = settings, inputs, pool, seed
        shares = satisfied_share(pool, inputs.items).view(-1, 2)
        self.signs = preference_signs(shares[:, 0], shares[:, 1], settings.lose_share)

    def __call__(self, part: Part) -> tuple[Tensor, dict[str, float]]:
        """The loss of a part of a step's batch and what to log of it; both images of a pair get the same noise."""
        draws, batch, foundation = part.draws("pairs", self.seed), self.settings.training.batch, self.inputs.foundation
        pairs = draws.integers(len(self.signs), batch)
        rows, signs = torch.cat([2 * pairs, 2 * pairs + 1]), self.signs[pairs].T.flatten().to(foundation.device)
        latents = self.pool.latents[rows].to(foundation.device)
        states = foundation.encode_prompts([self.pool.prompts[row] for row in rows])
        scheduler = foundation.noise_schedule
        noise, timesteps = (torch.cat([each, each]) for each in draw_noise(scheduler, latents[:batch], draws))
        arguments = (scheduler, latents, states, noise, timesteps)
        with foundation.anchor():
            reference = denoising_errors(foundation.unet, *arguments)
        gained = reference - denoising_errors(foundation.unet, *arguments)
        margin = (signs * gained).view(2, batch).sum(0)
        loss = -F.logsigmoid(self.settings.beta / 2 * margin).mean()
        logs = {"reward": self.pool.rewards[rows].mean().item(), "preference": loss.item()}
        logs["margin"] = margin.detach().mean().item()
        return add_real(loss, logs, self.settings, self.inputs, draws)
