"""Learned words: they start from what their label is called, stand for several tokens, and leave all others alone."""

import torch
from tiny import tiny_foundation

from craft.models.words import read_words, word_of, write_words


def test_a_word_starts_from_the_mean_of_its_labels_tokens_and_changes_no_other_text():
    foundation, plain = tiny_foundation(), ["a nevus with a border"]
    before = foundation.encode_prompts(plain)
    embedding = foundation.text_encoder.get_input_embeddings()
    ids = foundation.tokenizer("nevus", add_special_tokens=False).input_ids
    (rows,) = foundation.learn_words({word_of("nevus"): "nevus"}, vectors=2)
    assert torch.allclose(rows, embedding(torch.tensor(ids)).mean(0).expand(2, -1))
    assert torch.equal(foundation.encode_prompts(plain), before)
    assert [name for name, each in foundation.text_encoder.named_parameters() if each.requires_grad] != []


def test_a_word_of_two_vectors_is_two_tokens_with_a_gradient_each():
    foundation = tiny_foundation()
    (rows,) = foundation.learn_words({"<nevus>": "nevus"}, vectors=2)
    foundation.encode_prompts(["a lesion, <nevus>"]).square().sum().backward()
    assert (rows.grad.norm(dim=1) > 0).all()


def test_words_survive_their_files_and_are_learned_further_from_what_they_are(tmp_path):
    words = {"<nevus>": torch.randn(3, 32), "<melanoma>": torch.randn(1, 32)}
    write_words(tmp_path, words)
    found = read_words(tmp_path)
    assert set(found) == set(words) and all(torch.equal(found[name], tensor) for name, tensor in words.items())
    foundation = tiny_foundation()
    foundation.words = words
    nevus, new = foundation.learn_words({"<nevus>": "nevus", "<other>": "melanoma"}, vectors=2)
    assert torch.equal(nevus, words["<nevus>"]) and len(new) == 2
    assert read_words(tmp_path / "nothing") == {}
