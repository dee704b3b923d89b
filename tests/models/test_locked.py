"""Evaluators on a frozen encoder: what belongs to them, what is saved, and one look for both models of a judge."""

import pytest
import torch
from safetensors.torch import load_file
from tiny import TEXTS, tiny_evaluator

from craft.core.errors import CraftError
from craft.models.evaluators import load_evaluator
from craft.models.locked import TOWER, WEIGHTS, LockedEvaluator, load_tower
from craft.models.settings import EncoderRef, EvaluatorRef
from craft.reward.judge import Judge

IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
ENCODER = EncoderRef(name="efficientnet_lite0", role="held_out", path="efficientnet-lite0", loader="imagenet")


@pytest.fixture(scope="module")
def evaluator() -> LockedEvaluator:
    """An untrained evaluator whose standardisation is that of a few images."""
    evaluator = tiny_evaluator(family="lit_efficientnet")
    evaluator.model.standardise(evaluator.model.encoder.embed(torch.rand(8, 3, 32, 32)))
    return evaluator


@pytest.fixture
def ref(evaluator, tmp_path) -> EvaluatorRef:
    """The saved evaluator."""
    evaluator.save(tmp_path / "model")
    return EvaluatorRef(name="lit", role="held_out", path=str(tmp_path / "model"), loader="locked", encoder=ENCODER)


def test_it_loads_from_its_folder_and_says_the_same_within_half_precision(evaluator, ref):
    loaded = load_evaluator(ref)
    images, texts = evaluator.encode_images(IMAGES), evaluator.encode_texts(TEXTS)
    assert torch.allclose(images.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(loaded.encode_images(IMAGES), images, atol=5e-3)
    assert torch.allclose(loaded.encode_texts(TEXTS), texts, atol=5e-3)
    assert loaded.tower == ("imagenet", "efficientnet-lite0") and loaded.width == 32
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())


def test_the_encoder_is_neither_saved_nor_trained_with_it(evaluator, ref, tmp_path):
    names = set(load_file(tmp_path / "model" / WEIGHTS))
    assert {name.partition(".")[0] for name in names} == {
        *("text_model", "visual_projection", "text_projection", "logit_scale", "centre", "spread")
    }
    encoder = {id(parameter) for parameter in evaluator.model.encoder.parameters()}
    assert encoder and not encoder & {id(parameter) for parameter in evaluator.parameters()}
    evaluator.train()
    assert not any(module.training for module in evaluator.model.encoder.modules())
    evaluator.eval()


def test_the_encoder_moves_and_converts_with_it():
    evaluator = tiny_evaluator(family="lit_efficientnet").double()
    assert evaluator.model.encoder.mean.dtype == torch.float64
    assert evaluator.encode_images(IMAGES.double()).dtype == torch.float64


def test_a_judge_looks_once_for_both_of_its_models_and_sees_what_each_sees(ref, monkeypatch):
    judge, looks = Judge.load(ref), []
    expected = judge.evaluator.encode_images(IMAGES), judge.encoder.encode_images(IMAGES)
    for encoder in (judge.encoder, judge.evaluator.model.encoder):
        encoder.network.register_forward_hook(lambda *_: looks.append(1))
    seen = judge.encode_images(IMAGES)
    assert len(looks) == 1
    assert torch.allclose(seen.aligned, expected[0], atol=1e-5) and torch.equal(seen.visual, expected[1])


def test_a_judge_with_another_encoder_looks_with_both(ref):
    judge, looks = Judge.load(ref), []
    judge.encoder.origin = ("transformers", "elsewhere")
    judge.evaluator.model.encoder.network.register_forward_hook(lambda *_: looks.append(1))
    judge.encode_images(IMAGES)
    assert len(looks) == 1


def test_features_are_standardised_before_they_are_projected(evaluator):
    model = evaluator.model
    visual = model.encoder.embed(IMAGES)
    expected = ((visual - model.centre) / model.spread) @ model.visual_projection.weight.T
    assert torch.allclose(model.project(visual), expected, atol=1e-4)
    assert (model.spread > 0).all() and model.centre.abs().sum() > 0


@pytest.mark.parametrize("name", [TOWER, WEIGHTS])
def test_a_folder_that_lacks_a_file_is_one_sentence(ref, tmp_path, name):
    (tmp_path / "model" / name).unlink()
    with pytest.raises(CraftError, match=f"no evaluator on a locked tower can be loaded from .*: it has no {name}"):
        load_evaluator(ref)


def test_the_tower_of_an_unknown_loader_is_one_sentence():
    with pytest.raises(CraftError, match="there is no encoder loader 'magic'"):
        load_tower(("magic", "x"))
