"""The training loop that every model and method shares; they differ by their loss, not by their loop."""

import logging
import math
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from craft.core.config.methods import Training
from craft.core.progress import track
from craft.training.checkpoints import load_checkpoint, save_checkpoint

log = logging.getLogger(__name__)

LossAt = Callable[[int], tuple[Tensor, dict[str, float]]]


class Observer:
    """Looks at a run before its first step and after every step; what it remembers travels in the checkpoints."""

    def look(self, history: list[dict]) -> str | None:
        """Look after `history[-1]`, add to it what was seen, and return a reason to stop, or None."""
        return None

    def tensors(self) -> dict[str, Tensor]:
        """What must survive an interruption."""
        return {}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave."""


def learning_rate(training: Training, step: int) -> float:
    """Learning rate of step 1, 2, ...: linear warm-up, then a cosine to a tenth."""
    if step <= training.warmup_steps:
        return training.learning_rate * step / training.warmup_steps
    progress = (step - training.warmup_steps) / max(1, training.steps - training.warmup_steps)
    return training.learning_rate * (0.55 + 0.45 * math.cos(math.pi * progress))


def fit(
    parameters: list[nn.Parameter],
    training: Training,
    loss_at: LossAt,
    checkpoints: Path,
    observer: Observer | None = None,
    weight_decay: float = 0.0,
    buffers: Sequence[Tensor] = (),
) -> list[dict]:
    """Minimise `loss_at(step)` over `parameters`, resuming from the newest checkpoint if there is one.

    Every draw inside `loss_at` must be seeded by the step, so that a resumed run repeats an uninterrupted one.

    Args:
        parameters: what is trained.
        training: steps, learning rate, clipping and how often to write checkpoints.
        loss_at: step number -> loss and what to log of it.
        checkpoints: folder of this run's checkpoints.
        observer: looks at the run and may stop it.
        weight_decay: of AdamW.
        buffers: what else changes while training (running statistics) and must survive an interruption.

    Returns:
        The history: one dictionary for the start (`step` 0) and one after every step.
    """
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=parameters[0].device.type == "cpu")
    optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, weight_decay=weight_decay)
    observer = observer or Observer()
    history, remembered = load_checkpoint(checkpoints, parameters, buffers, optimizer)
    if history:
        observer.restore(remembered)
    else:
        history = [{"step": 0}]
        observer.look(history)
    bar = track(range(len(history), training.steps + 1), "training", initial=len(history) - 1, total=training.steps)
    for step in bar:
        if history[-1].get("stopped_because"):
            log.info("stopped after step %d: %s", step - 1, history[-1]["stopped_because"])
            break
        started = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(training, step)
        loss, logs = loss_at(step)
        optimizer.zero_grad()
        accelerator.backward(loss)
        norm = accelerator.clip_grad_norm_(parameters, training.max_gradient_norm)
        optimizer.step()
        speed = training.batch / (time.perf_counter() - started)
        row = {"step": step, "loss": loss.item(), "gradient_norm": float(norm), **logs}
        history.append(row | {"images_per_second": speed, "peak_memory_mb": peak_memory_mb()})
        if reason := observer.look(history):
            history[-1]["stopped_because"] = reason
        if step % training.checkpoint_every == 0 or reason:
            save_checkpoint(checkpoints, history, observer.tensors(), parameters, buffers, optimizer)
        if step % max(10, training.steps // 40) == 0:
            log.info("step %d %s", step, " ".join(f"{key} {value:.4g}" for key, value in row.items() if key != "step"))
    return history


def peak_memory_mb() -> float:
    """Largest memory of this process so far, MB: on the device where there is one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
