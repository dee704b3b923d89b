"""From encoded image bytes to square RGB pixels."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

BIT_DEPTHS = (8, 10, 12, 14, 16)


class UnreadableImage(Exception):
    """One image cannot be used; the text says why and completes the sentence 'the file ...'."""

    # what the table of what is left out calls it
    kind = "unreadable"


class TooSmall(UnreadableImage):
    """An image that is smaller than asked."""

    kind = "too_small"


def decode(data: bytes) -> Image.Image:
    """An RGB image, upright by its EXIF orientation.

    Grey, palette, CMYK and RGBA images are converted; transparent pixels become black. Of a multi-frame file the first
    frame is used. Decoding is at full resolution, so that equal pixels stay equal in whatever format they come.

    Raises:
        UnreadableImage: if the bytes are no complete image with a known range of values.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return to_rgb(ImageOps.exif_transpose(opened))
    except UnidentifiedImageError as error:
        raise UnreadableImage("is no image of a known format") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError) as error:
        raise UnreadableImage(f"cannot be decoded: {' '.join(str(error).split())}") from error
    except (struct.error, zlib.error, MemoryError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"cannot be decoded: {' '.join(str(error).split())}") from error


def to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB of an image of any mode with a known range of values."""
    if image.mode == "F":
        raise UnreadableImage("holds floating-point pixels, whose range is unknown")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(to_8_bit(np.asarray(image.convert("I")))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "black"), rgba).convert("RGB")
    return image.convert("RGB")


def to_8_bit(values: np.ndarray) -> np.ndarray:
    """uint8 of 16-bit grey values, any shape.

    Scanners store 10, 12 or 14 significant bits in 16; the depth is the smallest usual one that holds the largest
    value.
    """
    if values.min() < 0 or values.max() >= 1 << BIT_DEPTHS[-1]:
        raise UnreadableImage(f"holds grey values from {values.min()} to {values.max()}, not of 16 bits")
    depth = next(bits for bits in BIT_DEPTHS if values.max() < 1 << bits)
    return np.rint(values * (255 / ((1 << depth) - 1))).astype(np.uint8)


def to_square(image: Image.Image, size: int, least: int | None = None) -> np.ndarray:
    """The centred square of an RGB image at `size` pixels, aspect kept: uint8 of shape (size, size, 3).

    Args:
        image: RGB, of any size.
        size: side of the result in pixels.
        least: fewest pixels that the shorter side may have; None where smaller images are enlarged.

    Raises:
        TooSmall: if it has fewer.
    """
    side = min(image.size)
    if least is not None and side < least:
        raise TooSmall(f"is {image.width} x {image.height} pixels, smaller than {least} x {least}")
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))
