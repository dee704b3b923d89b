"""What can end a training early: a signal, memory that does not suffice, terms of the loss that are no numbers."""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from craft.core.errors import CraftError
from craft.core.memory import explain_memory
from craft.training.settings import LoopSettings

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # sent by a person or a cluster before it takes the node away


class Interrupted(CraftError):
    """A training that was asked to stop and has written its checkpoint; the same command resumes it."""

    def __init__(self, number: int, step: int, checkpoints: Path):
        name = signal.Signals(number).name
        super().__init__(
            f"{name} stopped the training after step {step}; the same command resumes it from {checkpoints}"
        )
        self.exit_code = 128 + number


class Signals:
    """Remembers the last signal that arrived, so that a step can be finished before the training ends."""

    received = 0

    def __call__(self, number: int, frame) -> None:
        self.received = number


@contextmanager
def catch_signals() -> Iterator[Signals]:
    """Within the block, SIGTERM and SIGUSR1 are remembered instead of ending the process at once."""
    signals = Signals()
    before = {number: signal.signal(number, signals) for number in SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def explain_training_memory(training: LoopSettings) -> Iterator[None]:
    """Within the block, a lack of memory becomes a sentence that says which settings to lower.

    Raises:
        CraftError: if the device or the machine runs out of memory.
    """
    mend = (
        f"lower `training.batch` (now {training.batch}) and raise `training.accumulation` by the same factor, keep"
        " `compute.checkpointing` on, or lower `backprop.steps` and `resolution`"
    )
    with explain_memory("the training", mend):
        yield


def find_bad_term(row: dict[str, float]) -> str | None:
    """The first entry of a step's record that is NaN or infinite."""
    return next((name for name, value in row.items() if isinstance(value, float) and not math.isfinite(value)), None)


def check_skipped(history: list[dict], training: LoopSettings) -> None:
    """End a training whose last steps all had to be skipped.

    Raises:
        CraftError: if the last `training.max_skipped` steps were skipped.
    """
    last = [row.get("skipped") for row in history[-training.max_skipped :]]
    if len(last) == training.max_skipped and all(last):
        good = max(row["step"] for row in history if not row.get("skipped"))
        raise CraftError(
            f"the term {last[-1]!r} was NaN or infinite in {len(last)} steps in a row, so the training stopped;"
            f" the checkpoint holds the state of step {good}; lower `training.learning_rate`, or check the images and"
            " evaluators"
        )
