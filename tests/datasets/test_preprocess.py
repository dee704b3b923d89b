"""Preprocessing: every usual pixel format, upright, square and of the right brightness."""

import io

import numpy as np
import pytest
from PIL import Image

from craft.datasets.preprocess import UnreadableImage, decode, to_8_bit, to_square

COLOUR = (200, 100, 50)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def colour_of(data: bytes) -> np.ndarray:
    """Mean colour of the decoded image."""
    return np.asarray(decode(data)).reshape(-1, 3).mean(axis=0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "L"])
def test_usual_modes_keep_their_colour(mode):
    image = Image.new("RGB", (20, 10), COLOUR).convert(mode)
    data = encoded(image, "TIFF" if mode == "CMYK" else "PNG")
    expected = np.asarray(Image.new("RGB", (1, 1), COLOUR).convert("L")).item() if mode == "L" else COLOUR
    assert colour_of(data) == pytest.approx(expected, abs=2)


def test_cmyk_jpeg_keeps_its_colour():
    assert colour_of(encoded(Image.new("RGB", (16, 16), COLOUR).convert("CMYK"), "JPEG", quality=95)) == pytest.approx(
        COLOUR, abs=4
    )


def test_transparent_pixels_become_black():
    assert colour_of(encoded(Image.new("RGBA", (8, 8), (*COLOUR, 0)))) == pytest.approx(0)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_16_bit_files_use_their_own_bit_depth(bits):
    values = np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8)
    grey = np.asarray(decode(encoded(Image.fromarray(values))))[..., 0]
    assert grey.ravel() == pytest.approx(np.linspace(0, 255, 64), abs=1)


@pytest.mark.parametrize("values", [[[-1, 3]], [[0, 70_000]]])
def test_grey_values_beyond_16_bits_are_refused(values):
    with pytest.raises(UnreadableImage, match="grey values"):
        to_8_bit(np.array(values))


def test_exif_rotation_is_applied():
    image = Image.new("RGB", (20, 10), "black")
    image.paste("white", (0, 0, 20, 5))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = np.asarray(decode(encoded(image, "PNG", exif=exif)))
    assert upright.shape == (20, 10, 3)
    assert upright[:, 6:].min() == 255
    assert upright[:, :4].max() == 0


@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (31, 64), (200, 150)])
def test_the_centred_square_is_kept_and_circles_stay_circles(shape):
    y, x = np.mgrid[: shape[1], : shape[0]]
    radius = np.hypot(x - (shape[0] - 1) / 2, y - (shape[1] - 1) / 2)
    disk = Image.fromarray(np.where(radius < 0.35 * min(shape), 255, 0).astype(np.uint8)).convert("RGB")
    square = to_square(disk, 32)
    assert square.shape == (32, 32, 3)
    assert square.dtype == np.uint8
    bright = square[..., 0] > 127
    assert bright.any(axis=0).sum() == pytest.approx(bright.any(axis=1).sum(), abs=1)
    assert np.argwhere(bright).mean(axis=0) == pytest.approx([15.5, 15.5], abs=0.6)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "known format"),
        (b"no image", "known format"),
        (encoded(Image.effect_noise((64, 64), 50))[:900], "cannot be decoded"),
        (encoded(Image.effect_noise((64, 64), 50), "JPEG")[:900], "cannot be decoded"),
        (encoded(Image.new("F", (4, 4)), "TIFF"), "floating-point"),
    ],
)
def test_broken_files_say_why(data, reason):
    with pytest.raises(UnreadableImage, match=reason):
        decode(data)
