"""The training loop that every model and method shares; they differ by their loss, not by their loop."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from craft.core.costs import SPENT
from craft.core.progress import track
from craft.models.metering import Meter, peak_memory_mb
from craft.training.average import WeightAverage
from craft.training.checkpoints import Checkpoints, Resumable
from craft.training.events import EventFiles
from craft.training.interruption import (
    Interrupted,
    catch_signals,
    check_skipped,
    explain_training_memory,
    find_bad_term,
)
from craft.training.optimizers import Optimizer
from craft.training.parts import Part
from craft.training.processes import (
    agree,
    average_gradients,
    average_logs,
    largest,
    make_accelerator,
    share_weights,
    sum_logs,
)
from craft.training.settings import LoopSettings

log = logging.getLogger(__name__)

LossAt = Callable[[Part], tuple[Tensor, dict[str, float]]]
SHOWN = ("loss", "reward", "monitor", "images_per_second")


class Observer:
    """Checks a training before its first step and after every step; what it remembers travels in the checkpoints."""

    def check(self, history: list[dict]) -> str | None:
        """Check after `history[-1]`, add to it what was found, and return a reason to stop, or None."""
        return None

    def tensors(self) -> dict[str, Tensor]:
        """What must survive an interruption."""
        return {}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave."""

    def finish(self) -> None:
        """Have the last word on the weights."""


def learning_rate(training: LoopSettings, step: int) -> float:
    """Learning rate of step 1, 2, ...: linear warm-up, then a cosine to a tenth."""
    if step <= training.warmup_steps:
        return training.learning_rate * step / training.warmup_steps
    progress = (step - training.warmup_steps) / max(1, training.steps - training.warmup_steps)
    return training.learning_rate * (0.55 + 0.45 * math.cos(math.pi * progress))


@dataclass
class Descent:
    """Optimiser steps, in all processes of a training alike.

    Attributes:
        accelerator: the processes.
        parameters: what is trained.
        optimizer: steps them.
        average: takes in every step.
        training: batch, clipping and schedule.
        loss_at: part of a step's batch -> loss and what to log of it.
        meter: of what is spent; None where nobody asks.
    """

    accelerator: Accelerator
    parameters: list[nn.Parameter]
    optimizer: Optimizer
    average: WeightAverage
    training: LoopSettings
    loss_at: LossAt
    meter: Meter | None = None

    def spent(self) -> dict[str, float]:
        """What all processes spent so far, over all interruptions."""
        return sum_logs(self.accelerator, self.meter.read()) if self.meter else {}

    def resume(self, row: dict[str, Any]) -> None:
        """Go on from what was spent when a row of the history was written."""
        if self.meter:
            self.meter.resume({name: row[name] / self.accelerator.num_processes for name in SPENT})

    def step(self, number: int) -> dict[str, Any]:
        """Take a step and return its record; with a NaN or infinite term it changes no weight and says `skipped`."""
        started = time.perf_counter()
        self.optimizer.zero_grad()
        terms = self.add_gradients(number)
        average_gradients(self.accelerator, self.parameters)
        norm = float(nn.utils.clip_grad_norm_(self.parameters, self.training.max_gradient_norm))
        rate = learning_rate(self.training, number)
        row = {"step": number, **terms, "gradient_norm": norm, "learning_rate": rate}
        if bad := find_bad_term(row):
            row["skipped"] = bad
            log.warning("step %d skipped: its %s is %s", number, bad, row[bad])
        else:
            self.optimizer.step(rate)
            self.average.update()
        images = self.training.batch * self.training.accumulation * self.accelerator.num_processes
        speed = images / (time.perf_counter() - started)
        return row | {"images_per_second": speed, "peak_memory_mb": peak_memory_mb()}

    def add_gradients(self, number: int) -> dict[str, float]:
        """Add up this process's gradients of one step; returns the means of what was logged, over parts and processes.

        The loss comes last, so that the term which spoilt it is found first.
        """
        logs: list[dict[str, float]] = []
        parts, processes = self.training.accumulation, self.accelerator.num_processes
        for index in range(parts):
            share = self.accelerator.process_index * parts + index
            with self.accelerator.autocast():
                loss, terms = self.loss_at(Part(number, share, processes * parts))
            self.accelerator.backward(loss / parts)
            logs.append({**terms, "loss": loss.item()})
        means = {name: sum(part[name] for part in logs) / len(logs) for name in logs[0]}
        return average_logs(self.accelerator, means)


def final_loss(history: list[dict], steps: int = 100) -> float:
    """Mean loss of the last steps of a training."""
    losses = [row["loss"] for row in history[1:]][-steps:]
    return sum(losses) / len(losses)


def training_seconds(history: list[dict], training: LoopSettings) -> float:
    """Seconds that the steps of a training took in one process, over all its interruptions."""
    images = training.batch * training.accumulation
    return sum(images / row["images_per_second"] for row in history[1:])


def fit(
    parameters: list[nn.Parameter],
    training: LoopSettings,
    loss_at: LossAt,
    checkpoints: Path,
    observer: Observer | None = None,
    weight_decay: float = 0.0,
    buffers: Sequence[Tensor] = (),
    memory: Resumable | None = None,
    precision: str = "fp32",
    events: Path | None = None,
    meter: Meter | None = None,
) -> list[dict]:
    """Minimise `loss_at(part)` over `parameters`, resuming from the newest checkpoint if there is one.

    Every draw inside `loss_at` must come from `part.draws`, so that a resumed training repeats an uninterrupted one and
    the division of a batch among processes changes nothing.

    Args:
        parameters: what is trained.
        training: optimiser, steps, batch, learning rate, clipping, averaging and how often to write checkpoints.
        loss_at: part of a step's batch -> loss and what to log of it.
        checkpoints: folder of this training's checkpoints.
        observer: checks the training and may stop it; it sees the averaged weights.
        weight_decay: of the optimiser.
        buffers: what else changes while training (running statistics) and must survive an interruption.
        memory: what the loss remembers from step to step.
        precision: fp32, bf16 or auto (`craft.training.settings.ComputeSettings`).
        events: folder of TensorBoard event files; none are written without it.
        meter: of what is spent, which then stands in the history.

    Returns:
        The history: one dictionary for the start (`step` 0) and one after every step (`craft.training.results`).

    Raises:
        Interrupted: after a signal, with the checkpoint written.
        CraftError: if memory does not suffice or a term of the loss stays NaN or infinite.
    """
    accelerator = make_accelerator(parameters[0].device, precision)
    optimizer = Optimizer(parameters, training, weight_decay, accelerator)
    observer, average = observer or Observer(), WeightAverage(parameters, training.ema)
    resumables = {"observer": observer, "average": average} | ({"memory": memory} if memory else {})
    keeper = Checkpoints(checkpoints, parameters, buffers, optimizer, resumables)
    descent = Descent(accelerator, parameters, optimizer, average, training, loss_at, meter)
    with explain_training_memory(training):
        history = descend(descent, observer, keeper, events)
    average.keep()
    if accelerator.is_main_process:
        observer.finish()
    share_weights(accelerator, parameters)
    return history


def descend(descent: Descent, observer: Observer, keeper: Checkpoints, events: Path | None) -> list[dict]:
    """Take all steps that are left since the newest checkpoint, and return the history; see `fit`."""
    accelerator, training, main = descent.accelerator, descent.training, descent.accelerator.is_main_process
    history = keeper.load()

    def check() -> str | None:
        with descent.average.applied():
            return agree(accelerator, observer.check(history) if main else None)

    with catch_signals() as signals, EventFiles(events if main else None) as writer:
        if not history:
            history = [{"step": 0}]
            check()
            history[-1] |= descent.spent()
            writer.write(history[-1])
        else:
            descent.resume(history[-1])
        bar = track(range(len(history), training.steps + 1), "training", initial=len(history) - 1, total=training.steps)
        for step in bar:
            if history[-1].get("stopped_because"):
                break
            history.append(descent.step(step))
            if reason := check():
                history[-1]["stopped_because"] = reason
                log.info("stopped after step %d: %s", step, reason)
            history[-1] |= descent.spent()
            writer.write(history[-1])
            show(bar, history, training)
            signal, bad = largest(accelerator, signals.received), "skipped" in history[-1]
            if main and (step % training.checkpoint_every == 0 or reason or signal or bad):
                keeper.save(history)
            if signal:
                raise Interrupted(signal, step, keeper.folder)
            if bad:
                check_skipped(history, training)
    return history


def show(bar, history: list[dict], training: LoopSettings) -> None:
    """The newest figures, on the progress bar and, now and then, in the log."""
    newest = {name: value for row in history[-50:] for name, value in row.items() if name in SHOWN}
    bar.set_postfix({name: f"{newest[name]:.3g}" for name in SHOWN if name in newest})
    row = history[-1]
    if row["step"] % max(10, training.steps // 40) == 0:
        figures = (f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, float))
        told = row["step"], training.steps, tqdm.format_interval(seconds_left(history, training)), " ".join(figures)
        log.info("step %d of %d, about %s left: %s", *told)


def seconds_left(history: list[dict], training: LoopSettings) -> float:
    """What the steps that are left will take if they are as fast as the last ones were."""
    speeds = [row["images_per_second"] for row in history[-50:] if row.get("images_per_second")]
    left = training.steps - history[-1]["step"]
    return left * training.batch * sum(1 / speed for speed in speeds) / max(1, len(speeds))
