"""The picture of README.md: a figure of the run, small enough for a repository."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from craft.core.errors import CraftError
from craft.core.files import ROOT, atomic_path

PICTURE = ROOT / "docs/pictures/qualitative_grid.png"
WIDTH, LARGEST = 1400, 400_000
# rare colours, such as those of small signs, keep a place in the palette
COLOURS = (256, 192, 128, 96, 64)


def shrink_picture(source: Path, target: Path, width: int = WIDTH, largest: int = LARGEST) -> None:
    """Write a picture as PNG with a palette.

    Args:
        source: any picture that Pillow reads.
        target: the PNG file.
        width: a wider picture is brought to this many pixels.
        largest: size of the file in bytes that is not exceeded.

    Raises:
        CraftError: if the source is missing, or is too large with the smallest palette.
    """
    if not source.is_file():
        raise CraftError(f"no figure {source}: run `snakemake figures` first")
    image = Image.open(source).convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        data = BytesIO()
        palette = image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, kmeans=8)
        palette.save(data, "PNG", optimize=True)
        if data.tell() <= largest:
            with atomic_path(target) as staged:
                staged.write_bytes(data.getvalue())
            return
    raise CraftError(f"{source} takes more than {largest} bytes even with {COLOURS[-1]} colours; draw it smaller")
