"""Encoded images on disk until their table is written, so that many of them take no memory."""

from dataclasses import dataclass
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO


class ImageSpool:
    """Encoded images in a temporary file of the system (`TMPDIR`), so that many of them take no memory."""

    def __init__(self):
        self.file = TemporaryFile()  # noqa: SIM115 (it lasts as long as its images)

    def keep(self, cell: dict) -> "SpooledImage":
        """What stands for the cell of an image in a row of an image table; the cell itself may be forgotten."""
        start = self.file.seek(0, SEEK_END)
        return SpooledImage(self.file, start, self.file.write(cell["bytes"]))


@dataclass(frozen=True)
class SpooledImage:
    """The cell of an image, whose `bytes` are read when they are asked for."""

    file: IO[bytes]
    start: int
    length: int

    def keys(self) -> tuple[str, ...]:
        return ("bytes", "path")

    def __getitem__(self, key: str) -> bytes | None:
        if key == "path":
            return None
        self.file.seek(self.start)
        return self.file.read(self.length)
