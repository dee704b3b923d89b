"""The training loop that every model and method shares; they differ by their loss, not by their loop."""

import logging
import math
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from craft.core.config.methods import Training
from craft.core.progress import track
from craft.training.average import WeightAverage
from craft.training.checkpoints import Checkpoints
from craft.training.events import EventFiles
from craft.training.interruption import Interrupted, catch_signals, check_skipped, explain_memory, find_bad_term
from craft.training.parts import Part
from craft.training.processes import (
    agree,
    average_gradients,
    average_logs,
    largest,
    make_accelerator,
    share_weights,
)

log = logging.getLogger(__name__)

LossAt = Callable[[Part], tuple[Tensor, dict[str, float]]]
SHOWN = ("loss", "reward", "monitor", "images_per_second")


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

    def finish(self) -> None:
        """Have the last word on the weights."""


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
    precision: str = "fp32",
    events: Path | None = None,
) -> list[dict]:
    """Minimise `loss_at(part)` over `parameters`, resuming from the newest checkpoint if there is one.

    Every draw inside `loss_at` must come from `part.draws`, so that a resumed run repeats an uninterrupted one and the
    division of a batch among processes changes nothing. A step with a NaN or infinite term changes no weight.

    Args:
        parameters: what is trained.
        training: steps, batch, learning rate, clipping, averaging and how often to write checkpoints.
        loss_at: part of a step's batch -> loss and what to log of it.
        checkpoints: folder of this run's checkpoints.
        observer: looks at the run and may stop it; it sees the averaged weights.
        weight_decay: of AdamW.
        buffers: what else changes while training (running statistics) and must survive an interruption.
        precision: fp32, bf16 or auto (`craft.core.config.methods.Compute`).
        events: folder of TensorBoard event files; none are written without it.

    Returns:
        The history: one dictionary for the start (`step` 0) and one after every step.

    Raises:
        Interrupted: after a signal, with the checkpoint written.
        CraftError: if memory does not suffice or a term of the loss stays NaN or infinite.
    """
    accelerator = make_accelerator(parameters[0].device, precision)
    main = accelerator.is_main_process
    optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, weight_decay=weight_decay)
    observer, average = observer or Observer(), WeightAverage(parameters, training.ema)
    keeper = Checkpoints(checkpoints, parameters, buffers, optimizer, {"observer": observer, "average": average})
    history = keeper.load()

    def look() -> str | None:
        with average.applied():
            return agree(accelerator, observer.look(history) if main else None)

    def save() -> None:
        if main:
            keeper.save(history)

    with explain_memory(training), catch_signals() as signals, EventFiles(events if main else None) as writer:
        if not history:
            history = [{"step": 0}]
            look()
            writer.write(history[-1])
        bar = track(range(len(history), training.steps + 1), "training", initial=len(history) - 1, total=training.steps)
        for step in bar:
            if history[-1].get("stopped_because"):
                break
            started = time.perf_counter()
            optimizer.zero_grad()
            terms = add_gradients(accelerator, training, loss_at, step)
            average_gradients(accelerator, parameters)
            norm = float(nn.utils.clip_grad_norm_(parameters, training.max_gradient_norm))
            row = {"step": step, **terms, "gradient_norm": norm, "learning_rate": learning_rate(training, step)}
            if bad := find_bad_term(row):
                row["skipped"] = bad
                log.warning("step %d skipped: its %s is %s", step, bad, row[bad])
            else:
                for group in optimizer.param_groups:
                    group["lr"] = row["learning_rate"]
                optimizer.step()
                average.update()
            images = training.batch * training.accumulation * accelerator.num_processes
            speed = images / (time.perf_counter() - started)
            history.append(row | {"images_per_second": speed, "peak_memory_mb": peak_memory_mb()})
            if reason := look():
                history[-1]["stopped_because"] = reason
                log.info("stopped after step %d: %s", step, reason)
            writer.write(history[-1])
            show(bar, history, training)
            signal = largest(accelerator, signals.received)
            if step % training.checkpoint_every == 0 or reason or signal:
                save()
            if signal:
                raise Interrupted(signal, step, checkpoints)
            if bad:
                save()
                check_skipped(history, training)
    average.keep()
    if main:
        observer.finish()
    share_weights(accelerator, parameters)
    return history


def add_gradients(accelerator: Accelerator, training: Training, loss_at: LossAt, step: int) -> dict[str, float]:
    """Add up this process's gradients of one step; returns the means of what was logged, over all parts and processes.

    The loss comes last, so that the term which spoilt it is found first.
    """
    logs: list[dict[str, float]] = []
    for index in range(training.accumulation):
        share = accelerator.process_index * training.accumulation + index
        with accelerator.autocast():
            loss, terms = loss_at(Part(step, share, accelerator.num_processes * training.accumulation))
        accelerator.backward(loss / training.accumulation)
        logs.append({**terms, "loss": loss.item()})
    return average_logs(accelerator, {name: sum(part[name] for part in logs) / len(logs) for name in logs[0]})


def show(bar, history: list[dict], training: Training) -> None:
    """The newest figures, on the progress bar and, now and then, in the log."""
    newest = {name: value for row in history[-50:] for name, value in row.items() if name in SHOWN}
    bar.set_postfix({name: f"{newest[name]:.3g}" for name in SHOWN if name in newest})
    row = history[-1]
    if row["step"] % max(10, training.steps // 40) == 0:
        figures = (f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, float))
        log.info("step %d %s", row["step"], " ".join(figures))


def peak_memory_mb() -> float:
    """Largest memory of this process so far, MB: on the device where there is one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
