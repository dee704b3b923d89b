"""Comparing pictures: shifts are found and undone, SSIM is scikit-image's."""

import pytest
import torch
from skimage.metrics import structural_similarity

from craft.evaluation.memorization.alignment import compare, ssim, thumbnails, to_grey, window_means


def pictures(count: int, side: int = 40, seed: int = 0) -> torch.Tensor:
    """Smooth random pictures in [0, 1]."""
    draws = torch.rand(count, 1, side // 4, side // 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(draws, size=(side, side), mode="bicubic").clamp(0, 1)[:, 0]


def test_similarity_is_that_of_scikit_image():
    first = pictures(4)
    second = (first + 0.3 * torch.rand(first.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    expected = [structural_similarity(a.numpy(), b.numpy(), data_range=1) for a, b in zip(first, second, strict=True)]
    assert ssim(first, second).tolist() == pytest.approx(expected, abs=1e-5)


def test_window_means_are_those_of_pooling():
    values = pictures(3)
    pooled = torch.nn.functional.avg_pool2d(values[:, None], (5, 7), stride=1)[:, 0]
    assert torch.allclose(window_means(values, 5, 7), pooled, atol=1e-6)


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-1, 1)])
def test_a_shifted_copy_is_found_at_its_shift(shift):
    large = pictures(5, 56)
    first, second = large[:, 8:48, 8:48], large[:, 8 - shift[0] : 48 - shift[0], 8 - shift[1] : 48 - shift[1]]
    seen = compare(first, second, reach=3)
    assert seen.shift.tolist() == [list(shift)] * 5
    assert seen.distance.max() < 1e-5 and seen.ssim.min() > 0.9999
    assert (compare(first, second.roll(1, 0), reach=3).distance > 0.3).all()


def test_brightness_and_contrast_change_no_distance():
    first = pictures(3)
    assert compare(first, 0.2 + 0.5 * first, reach=2).distance.max() < 1e-4


def test_a_flat_picture_is_like_nothing_and_breaks_nothing():
    seen = compare(pictures(1), torch.full((1, 40, 40), 0.5), reach=2)
    assert torch.isfinite(seen.distance).all() and seen.distance[0] > 0.9


def test_colour_images_of_any_size_become_grey_pictures_of_one():
    images = torch.rand(2, 3, 30, 50, generator=torch.Generator().manual_seed(0))
    assert to_grey(images, 32).shape == (2, 32, 32)
    assert torch.allclose(thumbnails(to_grey(images, 32)).norm(dim=1), torch.ones(2), atol=1e-5)
