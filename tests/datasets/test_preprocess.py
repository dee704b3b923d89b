"""Preprocessing: every usual pixel format, upright, square and of the right brightness."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from craft.datasets.preprocess import UnreadableImage, decode, from_memory, is_two_valued, to_8_bit, to_square

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


def ramp(bits: int) -> np.ndarray:
    """All grey values of a detector."""
    return np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8)


def significant_bits(png: bytes, bits: int) -> bytes:
    """A PNG file with a chunk sBIT behind its header."""
    chunk = b"sBIT" + bytes([bits])
    chunk = (1).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_16_bit_files_are_scaled_by_the_depth_of_their_set(bits):
    grey = np.asarray(decode(encoded(Image.fromarray(ramp(bits))), bits))[..., 0]
    assert grey.ravel() == pytest.approx(np.linspace(0, 255, 64), abs=1)


@pytest.mark.parametrize(
    "data",
    [
        significant_bits(encoded(Image.fromarray(ramp(12))), 12),
        encoded(Image.fromarray(ramp(12)), "TIFF", tiffinfo={0x0119: 4095}),
        b"P5 8 8 4095\n" + ramp(12).astype(">u2").tobytes(),
    ],
)
def test_the_header_states_the_depth(data):
    assert np.asarray(decode(data))[..., 0].ravel() == pytest.approx(np.linspace(0, 255, 64), abs=1)


def test_one_grey_value_is_equally_bright_in_all_films_of_a_detector():
    films = [np.array([[2000, top]], np.uint16) for top in (3000, 4000, 4095)]
    assert len({np.asarray(decode(encoded(Image.fromarray(film)), 12))[0, 0, 0] for film in films}) == 1


def test_a_depth_that_nothing_states_is_asked_for():
    with pytest.raises(UnreadableImage, match=r"up to 4095.*write the bit depth of the whole set.*`bit_depth: 12`"):
        decode(encoded(Image.fromarray(ramp(12))))
    with pytest.raises(UnreadableImage, match="grey value 4095, more than 10 bits"):
        decode(encoded(Image.fromarray(ramp(12))), 10)


@pytest.mark.parametrize("values", [[[-1, 3]], [[0, 70_000]]])
def test_grey_values_beyond_16_bits_are_refused(values):
    with pytest.raises(UnreadableImage, match="grey values"):
        to_8_bit(np.array(values), 16)


def test_exif_rotation_is_applied():
    image = Image.new("RGB", (20, 10), "black")
    image.paste("white", (0, 0, 20, 5))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = np.asarray(decode(encoded(image, "PNG", exif=exif)))
    assert upright.shape == (20, 10, 3)
    assert upright[:, 6:].min() == 255
    assert upright[:, :4].max() == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0\0\x08\0\x02\x01\x12\0\x03", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_good_pixels_outlive_malformed_exif(kind, exif):
    image = Image.effect_noise((16, 16), 50).convert("RGB")
    found = np.asarray(decode(encoded(image, kind, exif=exif)))
    assert np.array_equal(found, np.asarray(Image.open(io.BytesIO(encoded(image, kind))).convert("RGB")))


def test_images_in_memory_are_what_their_files_are():
    image = Image.new("RGB", (20, 10), "black")
    image.paste("white", (0, 0, 20, 5))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(image, "PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        assert np.array_equal(np.asarray(from_memory(opened)), np.asarray(decode(data)))
    broken = Image.open(io.BytesIO(encoded(Image.effect_noise((64, 64), 50))[:900]))
    with pytest.raises(UnreadableImage, match="cannot be decoded"):
        from_memory(broken)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((8, 8, 3)), "floating-point"),
        (np.zeros((8, 8), np.float16), "floating-point"),
        (np.zeros((3, 8, 8), np.uint8), "shape"),
        (np.zeros((8, 8, 3), np.uint16), "uint16 and shape"),
        (np.zeros((8, 8), np.uint16), "bit depth"),
        (np.array(["a"]), "is an array"),
    ],
)
def test_arrays_that_are_no_images_say_why(array, reason):
    with pytest.raises(UnreadableImage, match=reason):
        from_memory(array)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3), (8, 8, 4)])
def test_arrays_of_bytes_are_images(shape):
    assert from_memory(np.full(shape, 255, np.uint8)).getpixel((0, 0)) == (255, 255, 255)
    assert from_memory(np.full((8, 8), 4095, np.uint16), 12).getpixel((0, 0)) == (255, 255, 255)


def test_masks_are_told_by_their_two_values_and_images_are_not():
    y, x = np.mgrid[:64, :64]
    disk = np.where(np.hypot(x - 32, y - 32) < 20, 255, 0).astype(np.uint8)
    for mask in (disk, disk // 255, disk * 0):
        assert is_two_valued(decode(encoded(Image.fromarray(mask))))
    assert is_two_valued(decode(encoded(Image.fromarray(disk), "JPEG", quality=90)))
    assert not is_two_valued(Image.effect_noise((64, 64), 20).convert("RGB"))
    assert not is_two_valued(Image.fromarray((disk // 2 + x + y).astype(np.uint8)).convert("RGB"))


def test_a_dicom_file_is_named_as_one():
    with pytest.raises(UnreadableImage, match="is a DICOM file"):
        decode(bytes(128) + b"DICM" + bytes(64))


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
