"""The work that is timed: reward finetuning at K = 1 on random models, ours and that of TRL's AlignProp.

A step samples a batch with guidance, decodes it, scores it with a small fixed convolution, takes the gradient through
the last sampling step and steps AdamW. There is neither an anchor nor a denoising term, because TRL has none.
"""

import itertools
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from common import PROMPTS
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from craft.core.errors import CraftError
from craft.core.seeds import Draws, torch_generator
from craft.knowledge.schema import Knowledge, LabelKnowledge
from craft.models.foundation import Foundation
from craft.training.backprop import GradientPlan
from craft.training.loop import Observer, fit
from craft.training.methods.reward import RewardMethod
from craft.training.parts import Part
from craft.training.sampler import Conditions, sample_latents
from craft.training.settings import BackpropSettings, LoopSettings, SamplingSettings
from craft.training.ways import make_way

RANK = 4  # TRL's own, which cannot be changed
LEARNING_RATE = 1e-4
SAME = 1e-3  # relative difference of gradients that rounding explains
SAMPLING = SamplingSettings(steps=20, guidance_scale=5.0)


@dataclass(frozen=True)
class Work:
    """What one step does.

    Attributes:
        folder: the pipeline.
        device: where it runs.
        batch: images a step, a multiple of the number of prompts.
        sampling: DDIM steps and guidance.
        precision: fp32, or auto for bf16 where the device has it.
    """

    folder: str
    device: str = "cpu"
    batch: int = 4
    sampling: SamplingSettings = SAMPLING
    precision: str = "fp32"

    @property
    def prompts(self) -> list[str]:
        return [PROMPTS[index % len(PROMPTS)] for index in range(self.batch)]


class Contestant(Protocol):
    """Something that can do the work."""

    def seconds(self, count: int) -> list[float]:
        """Seconds of each of `count` training steps, after one that warms up."""


def read_clock(device: str) -> float:
    """CPU seconds of this process; on a GPU, wall seconds once its queue is empty."""
    if not device.startswith("cuda"):
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


@cache
def reward_kernels(device: torch.device) -> Tensor:
    """Eight random filters, shape (8, 3, 5, 5)."""
    return (torch.randn(8, 3, 5, 5, generator=torch_generator("benchmark reward")) / 8).to(device)


def reward(images: Tensor) -> Tensor:
    """A differentiable reward (n,) of images (n, 3, h, w) in [0, 1]: the mean response to fixed random filters."""
    responses = F.conv2d(images.float().clamp(0, 1), reward_kernels(images.device), stride=2)
    return responses.relu().mean((1, 2, 3)).float()


class Stopwatch(Observer):
    """Reads the clock after every step."""

    def __init__(self, device: str):
        self.device, self.readings = device, []

    def check(self, history: list[dict]) -> None:
        self.readings.append(read_clock(self.device))


class Ours:
    """Our sampler, loop and foundation.

    Args:
        work: what a step does.
        variants: n of DRaFT-LV.
        checkpointing: whether activations are recomputed.
    """

    def __init__(self, work: Work, variants: int = 1, checkpointing: bool = False):
        self.work, self.backprop = work, BackpropSettings(mode="last", steps=1, lv=variants)
        self.foundation = Foundation.load(work.folder, device=work.device)
        self.parameters = self.foundation.add_adapter(rank=RANK, alpha=RANK)
        self.foundation.prepare(checkpointing=checkpointing)
        self.foundation.remember_prompts(["", *PROMPTS])

    def loss(self, noise: Tensor, draws: Draws) -> Tensor:
        """The loss of a batch that starts from `noise`."""
        conditions = Conditions.encode(self.foundation, self.work.prompts)
        plan = GradientPlan.draw(self.backprop, self.work.sampling.steps, self.work.batch, draws)
        path = sample_latents(self.foundation, conditions, noise, self.work.sampling, plan, draws)
        return 10 - reward(self.foundation.decode(path.latents)).mean()

    def loss_at(self, part: Part) -> tuple[Tensor, dict[str, float]]:
        """The loss of a step of `craft.training.loop.fit`."""
        draws = part.draws("benchmark")
        return self.loss(draws.normal(self.work.batch, *self.foundation.latent_shape), draws), {}

    def seconds(self, count: int) -> list[float]:
        """See `Contestant`."""
        training = LoopSettings(
            steps=count + 1,
            batch=self.work.batch,
            learning_rate=LEARNING_RATE,
            warmup_steps=0,
            checkpoint_every=count + 2,
        )
        watch = Stopwatch(self.work.device)
        nowhere = Path(self.work.folder) / "checkpoints"  # none is due within these steps
        fit(self.parameters, training, self.loss_at, nowhere, watch, precision=self.work.precision)
        return [after - before for before, after in itertools.pairwise(watch.readings[1:])]

    def count_flops(self) -> int:
        """Floating point operations of one gradient, recomputed ones included."""
        draws = Draws("flops")
        noise = draws.normal(self.work.batch, *self.foundation.latent_shape)
        with FlopCounterMode(display=False) as counter:
            torch.autograd.grad(self.loss(noise, draws), self.parameters)
        return counter.get_total_flops()

    def gradient(self, seed: int) -> Tensor:
        """The adapter's gradient for noise of a global seed, flat."""
        torch.manual_seed(seed)
        noise = torch.randn(self.work.batch, *self.foundation.latent_shape)
        return torch.cat([g.flatten() for g in torch.autograd.grad(self.loss(noise, Draws("unused")), self.parameters)])


class Default(Ours):
    """Ours on the way and with the recomputation that a reward method has by default.

    Args:
        work: what a step does.
    """

    def __init__(self, work: Work):
        method = RewardMethod(kind="reward", start="none", prompts="plain", training={"batch": work.batch})
        super().__init__(work, checkpointing=method.compute.checkpointing)
        # of the knowledge, a way reads the prompts alone
        labels = {prompt: LabelKnowledge.model_construct(prompt=prompt) for prompt in PROMPTS}
        knowledge = Knowledge.model_construct(labels=labels)
        self.way = make_way(self.foundation, knowledge, method, work.sampling, "benchmark")

    def loss_at(self, part: Part) -> tuple[Tensor, dict[str, float]]:
        """See `Ours.loss_at`."""
        passage = self.way(part, part.draws("benchmark"))
        return 10 - reward(self.foundation.decode(passage.latents)).mean(), {}


class Trl:
    """TRL's AlignPropTrainer with the gradient cut off before the last sampling step.

    It recomputes the whole UNet pass in the backward pass and cannot be told not to; its autoencoder keeps all
    activations.
    """

    def __init__(self, work: Work):
        from accelerate import PartialState

        PartialState()  # TRL logs before it makes its accelerator
        from trl import AlignPropConfig, AlignPropTrainer, DefaultDDPOStableDiffusionPipeline

        self.work, prompts = work, itertools.cycle(work.prompts)
        bf16 = work.precision == "auto" and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        settings = AlignPropConfig(
            mixed_precision="bf16" if bf16 else "no",
            sample_num_steps=work.sampling.steps,
            sample_guidance_scale=work.sampling.guidance_scale,
            sample_eta=0.0,
            train_batch_size=work.batch,
            train_learning_rate=LEARNING_RATE,
            train_adam_weight_decay=0.0,
            truncated_backprop_rand=False,
            truncated_backprop_timestep=work.sampling.steps - 1,
        )
        pipeline = DefaultDDPOStableDiffusionPipeline(work.folder)
        self.trainer = AlignPropTrainer(
            settings, lambda images, *_: (reward(images), {}), lambda: (next(prompts), {}), pipeline
        )
        pipeline.set_progress_bar_config(disable=True)
        self.unet = pipeline.unet

    def seconds(self, count: int) -> list[float]:
        """See `Contestant`."""
        readings = []
        for _ in range(count + 1):
            self.trainer.step(epoch=0, global_step=0)
            readings.append(read_clock(self.work.device))
        return [after - before for before, after in itertools.pairwise(readings)]

    def gradient(self, seed: int) -> Tensor:
        """See `Ours.gradient`."""
        torch.manual_seed(seed)
        rewards = self.trainer.compute_rewards(self.trainer._generate_samples(self.work.batch))
        parameters = [parameter for parameter in self.unet.parameters() if parameter.requires_grad]
        gradients = torch.autograd.grad(self.trainer.calculate_loss(rewards), parameters)
        return torch.cat([gradient.flatten() for gradient in gradients])


def compare_gradients(ours: Ours, trl: Trl, seed: int = 0) -> float:
    """Relative difference of the two gradients for equal weights and noise; overwrites our adapter by TRL's.

    Raises:
        CraftError: if they differ by more than rounding, so that the two do not do the same work.
    """
    ours.foundation.unet.load_state_dict(trl.unet.state_dict())
    first, second = ours.gradient(seed), trl.gradient(seed)
    difference = float((first - second).norm() / second.norm())
    if not difference < SAME:
        raise CraftError(f"our gradient and TRL's differ by {difference:.2g} of its norm: they do not do the same work")
    return difference
