"""TensorBoard event files of a training, for those who watch it while it trains."""

from pathlib import Path
from typing import Self


class EventFiles:
    """Writes every number of a step's record; without a folder it writes nothing."""

    def __init__(self, folder: Path | None):
        self.writer = None
        if folder:
            from tensorboardX import SummaryWriter

            self.writer = SummaryWriter(str(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error) -> None:
        if self.writer:
            self.writer.close()

    def write(self, row: dict) -> None:
        """Write one step's numbers."""
        if self.writer:
            for name, value in row.items():
                if isinstance(value, float):
                    self.writer.add_scalar(name, value, row["step"])
            self.writer.flush()
