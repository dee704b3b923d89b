"""Contact sheets: many images of one set at a glance, as they are."""

from pathlib import Path

import numpy as np
from PIL import Image

from craft.core.files import atomic_path

GAP = 2
FORMATS = {".png": {"format": "PNG"}, ".jpg": {"format": "JPEG", "quality": 92, "subsampling": 0}}


def write_sheet(path: Path, images: np.ndarray, columns: int = 8) -> None:
    """Write images (n, h, w, 3), uint8, pixel by pixel in so many columns, as the suffix says: `.png` or `.jpg`."""
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, np.uint8)
    for number, image in enumerate(images):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    with atomic_path(path) as staged:
        Image.fromarray(sheet).save(staged, **FORMATS[path.suffix])
