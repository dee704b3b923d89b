"""A judge: two models that look at the same images, loaded, encoded and moved together."""

import pytest
import torch
from tiny import save_judge, tiny_judge, tiny_ref

from craft.core.errors import CraftError
from craft.reward.evidence import ImageFeatures
from craft.reward.judge import Judge

IMAGES = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_it_sees_what_its_two_models_see():
    judge = tiny_judge()
    seen = judge.encode_images(IMAGES)
    assert torch.equal(seen.aligned, judge.evaluator.encode_images(IMAGES))
    assert torch.equal(seen.visual, judge.encoder.encode_images(IMAGES))
    assert (len(seen), seen.aligned.shape[1], seen.visual.shape[1]) == (5, 32, 64)


def test_many_images_are_embedded_in_batches_alike():
    judge = tiny_judge()
    whole, parts = judge.encode_images(IMAGES), judge.embed(IMAGES, batch=2)
    assert torch.allclose(parts.aligned, whole.aligned, atol=1e-5)
    assert torch.allclose(parts.visual, whole.visual, atol=1e-5)


def test_its_gradient_reaches_the_pixels_through_either_model():
    judge, pixels = tiny_judge(), IMAGES.clone().requires_grad_(True)
    seen = judge.encode_images(pixels)
    for part in (seen.aligned[:, 0], seen.visual[:, 0]):
        (gradient,) = torch.autograd.grad(part.sum(), pixels, retain_graph=True)
        assert (gradient.flatten(1).norm(dim=1) > 0).any()
    assert not any(parameter.requires_grad for parameter in judge.parameters())


def test_it_is_loaded_from_the_folders_of_both_models(tmp_path):
    judge, ref = tiny_judge(tower="bit"), tiny_ref("a", "monitor", tmp_path)
    save_judge(judge, ref)
    seen, loaded = judge.embed(IMAGES), Judge.load(ref).embed(IMAGES)
    assert torch.allclose(loaded.aligned, seen.aligned, atol=5e-3)
    assert torch.allclose(loaded.visual, seen.visual, atol=5e-2 * seen.visual.abs().max().item())
    with pytest.raises(CraftError, match="no vision encoder can be loaded"):
        Judge.load(ref.model_copy(update={"encoder": ref.encoder.model_copy(update={"path": str(tmp_path)})}))


def test_features_are_picked_joined_and_kept_together():
    seen = tiny_judge().embed(IMAGES)
    rows = torch.tensor([3, 0])
    picked = ImageFeatures.join([seen[rows], seen[1:3]])
    for part in ("aligned", "visual"):
        assert torch.equal(getattr(picked, part), getattr(seen, part)[[3, 0, 1, 2]])
