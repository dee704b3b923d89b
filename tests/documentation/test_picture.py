"""The picture of README.md: as small as asked, and its rare colours are still there."""

import numpy as np
import pytest
from PIL import Image

from craft.core.errors import CraftError
from craft.documentation.picture import shrink_picture


def test_a_wide_picture_is_made_narrower_and_keeps_a_rare_colour(tmp_path):
    picture = np.full((200, 400, 3), 255, np.uint8)
    picture[:, :200] = np.random.default_rng(0).integers(100, 160, (200, 200, 1))
    picture[90:110, 300:320] = (250, 220, 20)
    Image.fromarray(picture).save(tmp_path / "large.png")
    shrink_picture(tmp_path / "large.png", tmp_path / "small.png", width=200)
    small = Image.open(tmp_path / "small.png")
    assert (small.size, small.mode) == ((200, 100), "P")
    assert np.abs(np.asarray(small.convert("RGB"))[50, 155].astype(int) - (250, 220, 20)).max() < 12


def test_fewer_colours_are_taken_until_the_file_is_small_enough(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    shrink_picture(tmp_path / "noise.png", tmp_path / "small.png", largest=9_000)
    assert (tmp_path / "small.png").stat().st_size <= 9_000
    with pytest.raises(CraftError, match="takes more than 100 bytes even with 64 colours"):
        shrink_picture(tmp_path / "noise.png", tmp_path / "small.png", largest=100)
