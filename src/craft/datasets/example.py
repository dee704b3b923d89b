"""Folders of images such as two other programs might have made, for a first judgement without anybody's images."""

from pathlib import Path

from PIL import Image, ImageFilter

from craft.datasets.phantoms.base import make_phantom
from craft.datasets.phantoms.registry import find_modality

# of the phantoms: neither a released model nor a configuration has seen them
SEED = 300
# one image of so many lies under another label
EVERY = 3
BLUR = 1.5


def write_example(folder: Path, modality: str, labels: list[str], per_label: int, size: int) -> list[Path]:
    """Write two folders of phantoms, with one sub-folder for each label.

    The images of `blurred` are out of focus. Those of `mislabelled` are as good as phantoms can be, but one in three
    lies under another label, which no distance between sets of images sees.

    Args:
        folder: where both are written.
        modality: of the phantoms.
        labels: of the modality.
        per_label: images of each label.
        size: their side in pixels.

    Returns:
        Both folders.

    Raises:
        CraftError: if there is no such modality.
    """
    known = find_modality(modality)
    for number, label in enumerate(labels):
        for index in range(per_label):
            image = Image.fromarray(make_phantom(known, label, size, SEED, index).image)
            shown = labels[(number + 1) % len(labels)] if index % EVERY == 0 else label
            save(image.filter(ImageFilter.GaussianBlur(BLUR)), folder / "blurred" / label / f"{index:03d}.png")
            save(image, folder / "mislabelled" / shown / f"{label}_{index:03d}.png")
    return [folder / "blurred", folder / "mislabelled"]


def save(image: Image.Image, path: Path) -> None:
    """Write an image and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
