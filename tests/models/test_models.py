"""Models: they save and load in the hub's formats, encode as documented, and refuse what they are not."""

import pytest
import torch
from tiny import TEXTS, tiny_evaluator, tiny_foundation, tiny_ref

from craft.core.errors import CraftError
from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.evaluators import ImageTextEvaluator, load_evaluator
from craft.models.families import FAMILIES
from craft.models.foundation import Foundation
from craft.models.loaders import LOADERS
from craft.models.phantom_classifier import PhantomClassifier
from craft.models.provenance import write_provenance
from craft.models.tokenizer import tokenize, train_tokenizer

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_evaluator_loads_from_its_folder_and_says_the_same_within_half_precision(family, tmp_path):
    evaluator = tiny_evaluator(family=family)
    images, texts = evaluator.encode_images(IMAGES), evaluator.encode_texts(TEXTS)
    evaluator.save(tmp_path / "saved")
    loader = "locked" if FAMILIES[family].tower else "transformers"
    loaded = load_evaluator(tiny_ref("saved", "reward", tmp_path).model_copy(update={"loader": loader}))
    assert loaded.size == evaluator.size and not any(p.requires_grad for p in loaded.parameters())
    assert torch.allclose(loaded.encode_images(IMAGES), images, atol=5e-3)
    assert torch.allclose(loaded.encode_texts(TEXTS), texts, atol=5e-3)
    assert torch.allclose(images.norm(dim=1), torch.ones(2), atol=1e-5)


@pytest.mark.parametrize("shape", ["clip", "siglip"])
def test_a_hub_model_of_another_shape_drops_in(shape, tmp_path):
    import transformers as hf

    torch.manual_seed(0)
    tokenizer = train_tokenizer(TEXTS)
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = small | {"image_size": 32, "patch_size": 8}
    text = small | {"vocab_size": len(tokenizer), "max_position_embeddings": tokenizer.model_max_length}
    text |= {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "projection_size": 32}
    config, model = {"clip": (hf.CLIPConfig, hf.CLIPModel), "siglip": (hf.SiglipConfig, hf.SiglipModel)}[shape]
    half = [0.5, 0.5, 0.5]
    ImageTextEvaluator(model(config(text_config=text, vision_config=vision)), tokenizer, 32, half, half).save(tmp_path)
    evaluator = LOADERS["transformers"](str(tmp_path))
    assert evaluator.encode_images(IMAGES).shape == (2, evaluator.encode_texts(TEXTS).shape[1])
    alone = torch.cat([evaluator.encode_texts([text]) for text in TEXTS])
    assert torch.allclose(evaluator.encode_texts(TEXTS), alone, atol=1e-5), "padding changes what a text means"


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_changes_no_text(family):
    evaluator = tiny_evaluator(family=family)
    alone = torch.cat([evaluator.encode_texts([text]) for text in TEXTS])
    assert torch.allclose(evaluator.encode_texts(TEXTS), alone, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_words_of_a_text_count(family):
    evaluator = tiny_evaluator(family=family)
    for text in TEXTS:
        embeddings = evaluator.encode_texts([text, f"{text} a", f"{text} of several colours"])
        assert torch.cdist(embeddings, embeddings).add(torch.eye(3)).min() > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_image_embeddings_are_differentiable_at_any_size(family):
    pixels = torch.rand(1, 3, 50, 70, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    embedding = tiny_evaluator(family=family).encode_images(pixels)
    (gradient,) = torch.autograd.grad(embedding.square().sum() + embedding[0, 0], pixels)
    assert gradient.abs().sum() > 0


def test_a_text_beyond_the_window_warns_once_and_names_the_text():
    evaluator = tiny_evaluator()
    long = "a nevus with a regular border " * 20
    with pytest.warns(UserWarning, match="a nevus with a regular border") as caught:
        evaluator.encode_texts([long])
        evaluator.encode_texts([long])
    assert len(caught) == 1


def test_training_a_tokenizer_twice_gives_the_same_tokens():
    first, second = (train_tokenizer(reversed(TEXTS) if turn else TEXTS) for turn in (0, 1))
    assert first.get_vocab() == second.get_vocab()
    assert torch.equal(tokenize(first, TEXTS).input_ids, tokenize(second, TEXTS).input_ids)
    assert first.unk_token_id not in tokenize(first, ["quite unknown words, 5 %!"]).input_ids


def test_a_foundation_loads_from_its_folder_and_reconstructs_the_same(tmp_path):
    foundation = tiny_foundation()
    latents = foundation.encode_images(IMAGES)
    foundation.save(tmp_path)
    loaded = Foundation.load(str(tmp_path))
    assert latents.shape == (2, *loaded.latent_shape)
    assert torch.allclose(loaded.encode_images(IMAGES), latents, atol=2e-2)
    assert loaded.decode(latents).shape == IMAGES.shape


def test_images_are_sent_through_the_autoencoder_in_batches():
    foundation = tiny_foundation()
    again = foundation.reconstruct(torch.cat([IMAGES, 1 - IMAGES]), batch=3)
    assert again.shape == (4, 3, 32, 32) and 0 <= again.min() <= again.max() <= 1
    assert torch.allclose(again[:2], foundation.decode(foundation.encode_images(IMAGES)).clamp(0, 1), atol=1e-5)


def test_a_folder_that_holds_no_model_gets_a_sentence(tmp_path):
    loaders = [*(loader for _, loader in LOADERS.items()), ENCODER_LOADERS["transformers"]]
    for load in (*loaders, Foundation.load, PhantomClassifier.load):
        with pytest.raises(CraftError, match="load"):
            load(str(tmp_path))


def test_probabilities_of_phantoms_are_taken_within_one_modality():
    classifier = PhantomClassifier.build({"a": ["x", "y"], "b": ["z", "w", "v"]}).eval()
    chances = classifier.probabilities(IMAGES, "b", ["z", "w", "v"])
    assert chances.shape == (2, 3) and torch.allclose(chances.sum(1), torch.ones(2))
    with pytest.raises(CraftError, match="does not know 'b/q'"):
        classifier.probabilities(IMAGES, "b", ["q"])


def test_provenance_lists_every_file_with_its_digest(tmp_path):
    import hashlib

    from craft.core.reading import read_json

    (tmp_path / "weights.safetensors").write_bytes(b"w")
    write_provenance(
        tmp_path,
        name="m",
        summary="s",
        script="train_phantom_classifier",
        settings={},
        images={"phantom:m": 3},
        metrics={"x": 0.5},
        started=0.0,
    )
    listed = read_json(tmp_path / "provenance.json")["files"]
    assert set(listed) == {"weights.safetensors", "README.md"}
    assert listed["weights.safetensors"] == hashlib.sha256(b"w").hexdigest()
