"""Training on a pool of the model's own images: by their rewards, or by preferences between two of them.

The pool is made once, by what the method starts from, before the first step. The kinds differ by what a step takes of
it: `rejection` the best image of every prompt, `rwr` all of them, each with its weight, `dpo` pairs
(`craft.training.preference`).
"""

from pathlib import Path

import torch
from torch import Tensor

from craft.core.seeds import Draws
from craft.training.craft import RewardInputs, load_inputs, prepare_training, run_training
from craft.training.denoising import denoising_errors, draw_noise
from craft.training.methods.base import MethodFiles, Trained
from craft.training.methods.pooled import PooledMethod
from craft.training.parts import Part
from craft.training.pool import Pool
from craft.training.settings import MethodJob, SamplingSettings
from craft.training.supervised import denoise_real


def train_on_pool(
    settings: PooledMethod, job: MethodJob, files: MethodFiles, checkpoints: Path, device: str
) -> Trained:
    """Train on a pool, as the kind of the settings says; see `MethodSettings.train`."""
    inputs = load_inputs(settings, job, files, device)
    return train_pooled(settings, job.sampling, inputs, job.seed_name, checkpoints)


def train_pooled(
    settings: PooledMethod, sampling: SamplingSettings, inputs: RewardInputs, seed: str, folder: Path
) -> Trained:
    """Train the adapter `default` of the inputs' foundation, in place, and leave it in its best state.

    Args:
        settings: of the kind, which makes its loss of the pool.
        sampling: how images are sampled.
        inputs: models, reward, monitor, real images and knowledge.
        seed: names the random draws.
        folder: of the checkpoints and event files, and of the images of every check.
    """
    parameters = prepare_training(settings, inputs)
    pool = Pool.sample(
        inputs.foundation,
        inputs.reward.rating,
        inputs.knowledge,
        sampling,
        style=settings.prompts,
        wanted=settings.pool,
        each=settings.each,
        seed=seed,
    )
    loss = settings.make_loss(inputs, pool, seed)
    return run_training(settings, sampling, inputs, parameters, loss, seed, folder)


def reward_weights(pool: Pool, temperature: float) -> Tensor:
    """Weights exp(R / temperature) of the images of a pool, shape (n,), with mean 1 within every label.

    The reward-weighted likelihood of Lee et al. (2023, arXiv 2302.12192), with the exponential weights of Peters and
    Schaal (2007) that Black et al. (2023, arXiv 2305.13301) call RWR; that labels weigh alike is our choice.
    """
    weights = torch.empty(len(pool))
    for label in pool.labels.unique():
        rows = pool.labels == label
        weights[rows] = torch.softmax(pool.rewards[rows] / temperature, 0) * rows.sum()
    return weights


class PoolLoss:
    """Weighted denoising loss on images of a pool, and the denoising loss on real ones.

    Args:
        settings: batch, prompts and the weight of the real images.
        inputs: model, real images and knowledge.
        pool: the images.
        rows: numbers of those that are drawn, shape (m,).
        weights: of these in the loss, shape (m,).
        seed: names the random draws.
    """

    def __init__(
        self, settings: PooledMethod, inputs: RewardInputs, pool: Pool, rows: Tensor, weights: Tensor, seed: str
    ):
        self.settings, self.inputs, self.pool, self.seed = settings, inputs, pool, seed
        self.rows, self.weights = rows, weights

    def __call__(self, part: Part) -> tuple[Tensor, dict[str, float]]:
        """The loss of a part of a step's batch and what to log of it."""
        draws, batch, foundation = part.draws("pool", self.seed), self.settings.training.batch, self.inputs.foundation
        drawn = draws.integers(len(self.rows), batch)
        chosen, weights = self.rows[drawn], self.weights[drawn].to(foundation.device)
        latents = self.pool.latents[chosen].to(foundation.device)
        states = foundation.encode_prompts([self.pool.prompts[row] for row in chosen])
        unet, scheduler = foundation.unet, foundation.noise_schedule
        errors = denoising_errors(unet, scheduler, latents, states, *draw_noise(scheduler, latents, draws))
        loss = (weights * errors).mean()
        logs = {"reward": self.pool.rewards[chosen].mean().item(), "pool": loss.item()}
        return add_real(loss, logs, self.settings, self.inputs, draws)


def add_real(
    loss: Tensor, logs: dict[str, float], settings: PooledMethod, inputs: RewardInputs, draws: Draws
) -> tuple[Tensor, dict[str, float]]:
    """A loss and its logs with the denoising loss on real images, where it has a weight."""
    if not settings.gamma:
        return loss, logs
    arguments = (inputs.images, inputs.knowledge, settings.prompts, settings.training.batch, 0.1, draws)
    value = denoise_real(inputs.foundation, *arguments)
    return loss + settings.gamma * value, logs | {"denoising": value.item()}
