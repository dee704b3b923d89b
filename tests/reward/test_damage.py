"""Damage: what it does to the structure, that it repeats itself, and which images become what is none."""

import pytest
import torch

from craft.reward.damage import COPIES, DAMAGES, NO_IMAGES, damage_all, damage_in_turn

SIZE = 32
EVERY = DAMAGES | NO_IMAGES


def draw_images(count: int = 6) -> torch.Tensor:
    """Soft images with a light square, each of another colour."""
    generator = torch.Generator().manual_seed(1)
    images = torch.nn.functional.interpolate(torch.rand(count, 3, 4, 4, generator=generator), size=SIZE, mode="bicubic")
    images = images * torch.rand(count, 3, 1, 1, generator=generator)
    images[:, :, 8:14, 8:14] = 1
    return images.clamp(0, 1)


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_keeps_shape_and_range_changes_the_image_and_repeats_itself(kind):
    images = draw_images()
    first, again, other = (EVERY[kind](images, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert first.shape == images.shape and 0 <= first.min() <= first.max() <= 1
    assert torch.equal(first, again) and torch.equal(images, draw_images())
    assert ((first - images).abs().mean((1, 2, 3)) > 0.002).all()
    assert torch.equal(first, other) == (kind in ("blur", "smearing")), "only these draw nothing"


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_what_is_no_image_does_not_depend_on_the_image(kind):
    images = draw_images()
    made, of_black = (NO_IMAGES[kind](each, torch.Generator().manual_seed(0)) for each in (images, images * 0))
    assert torch.equal(made, of_black)
    assert not torch.equal(made[0], made[1]), "every image is one of its own"


def test_shuffled_patches_keep_the_values_of_an_image():
    images = draw_images()
    shuffled = DAMAGES["shuffled_patches"](images, torch.Generator().manual_seed(0))
    assert torch.equal(shuffled.flatten(2).sort().values, images.flatten(2).sort().values)


def test_scrambled_phases_keep_the_mean_colour_and_the_spectrum():
    # far from 0 and 1, so that nothing is cut off
    images = 0.4 + 0.1 * draw_images()
    scrambled = DAMAGES["scrambled_phases"](images, torch.Generator().manual_seed(0))
    assert torch.allclose(scrambled.mean((2, 3)), images.mean((2, 3)), atol=1e-3)
    before, after = (torch.fft.rfft2(each).abs()[:, :, 1:, 1:-1] for each in (images, scrambled))
    assert torch.allclose(after, before, rtol=0.02, atol=0.02)
    assert (scrambled - images).abs().mean() > 0.01


def test_a_blank_image_has_one_colour_and_a_mask_has_two_values():
    blank, mask = (NO_IMAGES[kind](draw_images(), torch.Generator().manual_seed(0)) for kind in ("blank", "two_valued"))
    assert (blank.flatten(2).std(2) < 1e-6).all()
    assert set(mask.unique().tolist()) == {0.0, 1.0} and torch.equal(mask[:, 0], mask[:, 2])
    assert ((mask.mean((1, 2, 3)) > 0.1) & (mask.mean((1, 2, 3)) < 0.9)).all()


def test_every_image_takes_the_kind_that_it_is_given():
    images = draw_images()
    kinds = torch.tensor([-1, 1, len(DAMAGES) + 2, 0, -1, len(DAMAGES) + 3])
    found = damage_in_turn(images, kinds, torch.Generator().manual_seed(0))
    assert torch.equal(found[[0, 4]], images[[0, 4]]), "below 0 an image stays as it is"
    assert torch.equal(found[1:2], DAMAGES["blur"](images[1:2], torch.Generator()))
    assert (found[2].flatten(1).std(1) < 1e-6).all() and set(found[5].unique().tolist()) == {0.0, 1.0}


def test_copies_of_an_image_are_damaged_in_different_ways_and_all_kinds_come_as_often():
    count = len(EVERY)
    images = draw_images(count)
    found = damage_all(images, torch.Generator().manual_seed(0)).view(COPIES, count, *images.shape[1:])
    assert ((found - images).abs().mean((2, 3, 4)) > 0.002).all()
    blank = (found.flatten(3).std(3) < 1e-6).all(2)
    assert blank.sum() == COPIES and (blank.sum(0) <= 1).all()
