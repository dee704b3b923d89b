"""From encoded image bytes, or an image in memory, to square RGB pixels."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from craft.core.reading import brief
from craft.datasets.files import kind_of

BIT_DEPTHS = (8, 10, 12, 14, 16)
PNG_START = b"\x89PNG\r\n\x1a\n"
# tags of EXIF and TIFF
ORIENTATION, BITS_PER_SAMPLE, LARGEST_SAMPLE = 0x0112, 0x0102, 0x0119
# what brings an image upright, by its EXIF orientation
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# grey values near black and near white, and the share of them in a mask that was compressed with losses
NEAR, NEARLY_ALL = 16, 0.995


class UnreadableImage(Exception):
    """One image cannot be used; the text says why and completes the sentence 'the file ...'."""

    # what the table of what is left out calls it
    kind = "unreadable"


class TooSmall(UnreadableImage):
    """An image that is smaller than asked."""

    kind = "too_small"


def decode(data: bytes, bit_depth: int | None = None) -> Image.Image:
    """An RGB image, upright by its EXIF orientation; where that cannot be read, as it lies.

    Grey, palette, CMYK and RGBA images are converted; transparent pixels become black. Of a multi-frame file the first
    frame is used. Decoding is at full resolution, so that equal pixels stay equal in whatever format they come.

    Args:
        data: of an image file.
        bit_depth: significant bits of 16-bit grey values; None where the file says so itself.

    Raises:
        UnreadableImage: if the bytes are no complete image with a known range of values.
    """
    with saying_why(data), Image.open(io.BytesIO(data)) as opened:
        return to_rgb(opened, bit_depth or stated_depth(opened, data))


def read_file(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        UnreadableImage: if it cannot be opened.
    """
    try:
        return path.read_bytes()
    # no path of a file holds a zero byte
    except (OSError, ValueError) as error:
        raise UnreadableImage(f"cannot be opened: {brief(error)}") from error


def from_memory(image: Image.Image | np.ndarray, bit_depth: int | None = None) -> Image.Image:
    """As `decode`, of a PIL image or an array of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4)."""
    with saying_why():
        if isinstance(image, Image.Image):
            return to_rgb(image, bit_depth or stated_depth(image))
        values = np.asarray(image)
        values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
        if values.dtype.kind == "f":
            refuse_floats()
        if values.dtype == np.uint8 and (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))):
            return to_rgb(Image.fromarray(values))
        if values.dtype.kind in "iu" and values.ndim == 2 and values.size:
            return Image.fromarray(to_8_bit(values, bit_depth)).convert("RGB")
        raise UnreadableImage(
            f"is an array of {values.dtype} and shape {values.shape}, not of uint8 and shape (h, w), (h, w, 3) or"
            " (h, w, 4)"
        )


@contextmanager
def saying_why(data: bytes = b"") -> Iterator[None]:
    """Turn what Pillow raises for a broken image into an `UnreadableImage`."""
    try:
        yield
    except UnidentifiedImageError as error:
        kind = kind_of("", data).removeprefix("no extension").strip(" ()")
        found = f"is a {kind} file, which is not read; convert it, for example to PNG" if kind else ""
        raise UnreadableImage(found or "is no image of a known format") from error
    except UnreadableImage:
        raise
    # decoders of forty formats raise what their authors thought of
    except Exception as error:
        raise UnreadableImage(f"cannot be decoded: {brief(error)}") from error


def to_rgb(image: Image.Image, bit_depth: int | None = None) -> Image.Image:
    """8-bit RGB of an image of any mode with a known range of values, upright."""
    image.load()
    image = upright(image)
    if image.mode == "F":
        refuse_floats()
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(to_8_bit(np.asarray(image.convert("I")), bit_depth)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "black"), rgba).convert("RGB")
    return image.convert("RGB")


def upright(image: Image.Image) -> Image.Image:
    """An image turned by its EXIF orientation; good pixels outlive metadata that cannot be read."""
    try:
        orientation = image.getexif().get(ORIENTATION)
    # whatever the parser meets in broken metadata
    except Exception:
        return image
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def refuse_floats() -> None:
    """Raise the `UnreadableImage` of floating-point pixels."""
    raise UnreadableImage("holds floating-point pixels, whose range is unknown; save them as 8-bit values")


def to_8_bit(values: np.ndarray, bit_depth: int | None) -> np.ndarray:
    """uint8 of 16-bit grey values, any shape.

    Scanners store 10, 12 or 14 significant bits in 16. The largest value of one image does not tell which: two films of
    one detector would be scaled differently.
    """
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= 1 << BIT_DEPTHS[-1]:
        raise UnreadableImage(f"holds grey values from {low} to {high}, not of 16 bits")
    if bit_depth is None:
        depth = next(bits for bits in BIT_DEPTHS if high < 1 << bits)
        raise UnreadableImage(
            f"holds 16-bit grey values up to {high}, and nothing says how many bits the detector gives; write the bit"
            f" depth of the whole set, for example `bit_depth: {depth}`"
        )
    if high >= 1 << bit_depth:
        raise UnreadableImage(f"holds the grey value {high}, more than {bit_depth} bits (`bit_depth`) can hold")
    return np.rint(values * (255 / ((1 << bit_depth) - 1))).astype(np.uint8)


def stated_depth(image: Image.Image, data: bytes = b"") -> int | None:
    """The significant bits of grey values that a file's header states; None where it states none."""
    if image.format in ("JPEG2000", "PPM"):
        # Pillow brings these to all 16 bits itself
        return BIT_DEPTHS[-1]
    if image.format == "PNG":
        return png_depth(data)
    if image.format != "TIFF":
        return None
    bits, largest = (image.tag_v2.get(tag) for tag in (BITS_PER_SAMPLE, LARGEST_SAMPLE))
    bits, largest = (value[0] if isinstance(value, tuple) else value for value in (bits, largest))
    if bits and bits < BIT_DEPTHS[-1]:
        return int(bits)
    return int(largest).bit_length() if largest and largest < 1 << BIT_DEPTHS[-1] else None


def png_depth(data: bytes) -> int | None:
    """The significant bits that the chunk sBIT of a PNG file states."""
    place = len(PNG_START)
    while place + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        if name == b"IDAT":
            return None
        if name == b"sBIT" and length:
            return data[place + 8] or None
        place += length + 12
    return None


def is_two_valued(image: Image.Image) -> bool:
    """Whether an RGB image has two grey values at most, as a mask has, or nearly so after compression with losses."""
    counts = np.array(image.convert("L").histogram())
    dark, bright, total = counts[:NEAR].sum(), counts[-NEAR:].sum(), counts.sum()
    nearly = min(dark, bright) >= (1 - NEARLY_ALL) * total and dark + bright >= NEARLY_ALL * total
    return bool(nearly or np.count_nonzero(counts) <= 2)


def to_square(image: Image.Image, size: int, least: int | None = None) -> np.ndarray:
    """The centred square of an RGB image at `size` pixels, aspect kept: uint8 of shape (size, size, 3).

    Args:
        image: RGB, of any size.
        size: side of the result in pixels.
        least: fewest pixels that the shorter side may have; None where smaller images are enlarged.

    Raises:
        UnreadableImage: if it has no pixel.
        TooSmall: if it has fewer.
    """
    side = min(image.size)
    if not side:
        raise UnreadableImage("has no pixel")
    if least is not None and side < least:
        raise TooSmall(f"is {image.width} x {image.height} pixels, smaller than {least} x {least}")
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))
