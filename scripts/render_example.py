"""Render images such as two other programs might have made, which configs/judge.yaml judges."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import run
from craft.datasets.readers.base import locate

LABELS = ["nevus", "melanoma", "benign_keratosis"]


def main(
    folder: Annotated[Path | None, typer.Option(help="to write to; without it, example_images of the raw data")] = None,
    per_label: Annotated[int, typer.Option(min=2, help="images of each label")] = 60,
    size: Annotated[int, typer.Option(min=32, help="side of the images in pixels")] = 64,
) -> None:
    """Write a folder of blurred dermoscopy phantoms and one of sharp ones, a third of them under another label."""
    from craft.datasets.example import write_example

    for written in write_example(folder or locate("example_images"), "dermoscopy", LABELS, per_label, size):
        print(f"wrote {written}")


if __name__ == "__main__":
    run(main)
