"""A contact sheet of the guard's fixed noise: the same images before, during and after the training."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from craft.core.files import atomic_path

MARGIN, GAP, LEAST = 76, 3, 96


def write_preview(path: Path, pictures: list[Tensor], steps: list[int]) -> None:
    """Write a PNG with one row for every check.

    Args:
        path: file to write.
        pictures: uint8, shape (images, 3, size, size), one tensor for every check.
        steps: the step of every check.
    """
    count, _, size, _ = pictures[0].shape
    side = max(LEAST, size)
    sheet = Image.new("RGB", (MARGIN + count * (side + GAP), len(pictures) * (side + GAP)), "white")
    write, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for row, (images, step) in enumerate(zip(pictures, steps, strict=True)):
        top = row * (side + GAP)
        write.text((8, top + side // 2), f"step {step}", fill=(60, 60, 60), font=font, anchor="lm")
        for column, image in enumerate(np.asarray(images.permute(0, 2, 3, 1))):
            tile = Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(tile, (MARGIN + column * (side + GAP), top))
    with atomic_path(path) as staged:
        sheet.save(staged, format="PNG")
