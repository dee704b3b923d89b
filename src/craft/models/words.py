"""Words that a text encoder learns from images (textual inversion, Gal et al. 2022, arXiv 2208.01618).

A word is a new token, or several (`<nevus>`, `<nevus>_1`, ...), as diffusers names them. One file for each word, in its
format, lies in the folder `words` of an adapter folder.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from craft.core.reading import read_tensors
from craft.models.weights import AGAIN

WORDS = "words"


def word_of(label: str) -> str:
    """The word that is learned for a label key, for example `<nevus>`."""
    return f"<{label}>"


def tokens_of(word: str, vectors: int) -> list[str]:
    """The tokens that a word stands for."""
    return [word, *(f"{word}_{number}" for number in range(1, vectors))]


def read_words(folder: Path) -> dict[str, Tensor]:
    """The words of an adapter folder with their embeddings (vectors, width)."""
    files = sorted((folder / WORDS).glob("*.safetensors"))
    return {word: tensor for file in files for word, tensor in read_tensors(file, AGAIN).items()}


def write_words(folder: Path, words: dict[str, Tensor]) -> None:
    """Write words into an adapter folder; nothing without words."""
    if words:
        (folder / WORDS).mkdir(parents=True, exist_ok=True)
    for word, tensor in words.items():
        save_file({word: tensor.detach().cpu().contiguous()}, folder / WORDS / f"{word.strip('<>')}.safetensors")


class LearnedWords:
    """Trainable words of a text encoder, whose own embeddings stay as they are.

    Args:
        encoder: a text encoder of transformers.
        tokenizer: gets the words' tokens.
        starts: word -> text whose mean token embedding a new word starts from.
        vectors: tokens that a new word stands for.
        known: embeddings (vectors, width) of words that were learned before.

    Attributes:
        vectors: word -> its trainable embeddings (vectors, width).
    """

    def __init__(self, encoder: nn.Module, tokenizer, starts: dict[str, str], vectors: int, known: dict[str, Tensor]):
        embedding = encoder.get_input_embeddings()
        device = embedding.weight.device
        self.vectors: dict[str, nn.Parameter] = {}
        for word, text in starts.items():
            if word in known:
                first = known[word].to(device)
            else:
                ids = torch.tensor(tokenizer(text, add_special_tokens=False).input_ids, device=device)
                first = embedding(ids).detach().mean(0).repeat(vectors, 1)
            tokenizer.add_tokens(tokens_of(word, len(first)))
            self.vectors[word] = nn.Parameter(first.clone())
        tokens = [token for word, rows in self.vectors.items() for token in tokens_of(word, len(rows))]
        ids = tokenizer.convert_tokens_to_ids(tokens)
        encoder.set_input_embeddings(ExtendedEmbedding(embedding, ids, list(self.vectors.values())))

    def words(self) -> dict[str, Tensor]:
        """The words with their embeddings as they are now."""
        return {word: rows.detach() for word, rows in self.vectors.items()}


class ExtendedEmbedding(nn.Module):
    """A frozen token embedding in which some tokens have trainable vectors of their own.

    Args:
        known: the embedding.
        ids: of the tokens with vectors of their own, inside the embedding or beyond its end.
        vectors: these, one row for each token in the order of `ids`, divided into parameters.
    """

    def __init__(self, known: nn.Embedding, ids: list[int], vectors: list[nn.Parameter]):
        super().__init__()
        self.known, self.vectors = known, nn.ParameterList(vectors)
        places = torch.full((max(known.num_embeddings, max(ids) + 1),), -1)
        places[ids] = torch.arange(len(ids))
        self.register_buffer("places", places.to(known.weight.device), persistent=False)

    @property
    def weight(self) -> Tensor:
        """The frozen weights, which tell device and precision."""
        return self.known.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Embeddings (..., width) of token ids."""
        places = self.places[ids]
        own = torch.cat(list(self.vectors))[places.clamp(min=0)]
        return torch.where((places >= 0)[..., None], own, self.known(ids.masked_fill(places >= 0, 0)))
