"""A small byte-pair tokenizer, trained on the texts of a run and saved in the hub's own format."""

from collections.abc import Iterable

from craft.core.errors import CraftError

PAD, BEGIN, END, UNKNOWN = "<|pad|>", "<|begin|>", "<|end|>", "<|unknown|>"
TEXT_WINDOW = 48
# names of the learned positions in text encoders, and the window of a tokenizer that knows none
POSITIONS = ("position_embedding", "position_embeddings")
UNLIMITED = 1_000_000


def train_tokenizer(texts: Iterable[str], vocabulary: int = 1500, window: int = TEXT_WINDOW):
    """Train a lower-casing byte-pair tokenizer and return it as a transformers fast tokenizer.

    Args:
        texts: the corpus; order does not matter for the result's quality but does for its reproducibility.
        vocabulary: largest number of tokens.
        window: `model_max_length`, begin and end marks included.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    # byte-level, because the trainer numbers end-of-word marks in a different order at every run
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        # the end mark must not be token 2: there a CLIP of transformers pools at the largest token of the text instead,
        # so that the words behind it are never read
        special_tokens=[PAD, BEGIN, UNKNOWN, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(set(texts)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=[(mark, tokenizer.token_to_id(mark)) for mark in (BEGIN, END)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        unk_token=UNKNOWN,
        model_max_length=window,
    )


def fit_tokenizer(tokenizer, tower) -> None:
    """Let a tokenizer cut texts to the positions of the text tower behind it; many know no window of their own.

    Args:
        tokenizer: of transformers; its `model_max_length` is set.
        tower: a text encoder of transformers.

    Raises:
        CraftError: if neither of them says how long a text may be, or the tokenizer cannot pad.
    """
    if tokenizer.pad_token is None:
        raise CraftError("its tokenizer has no token to pad with; write `pad_token` in its tokenizer_config.json")
    tokenizer.model_max_length = min([tokenizer.model_max_length, *count_positions(tower)])
    if tokenizer.model_max_length >= UNLIMITED:
        raise CraftError(
            "neither its tokenizer nor its text encoder says how long a text may be; write for example"
            ' `"model_max_length": 77` in its tokenizer_config.json'
        )


def count_positions(tower) -> list[int]:
    """Texts of how many tokens the learned positions of a text encoder allow; empty where it has none."""
    tables = [each for name, each in tower.named_modules() if name.split(".")[-1] in POSITIONS]
    # RoBERTa counts positions from the one behind that of padding
    return [table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1) for table in tables]


def tokenize(tokenizer, texts: list[str], padding: str = "max_length"):
    """Token ids (n, window), truncated to the window, and the mask of what is no padding, ready for a text encoder."""
    window = tokenizer.model_max_length
    tokens = tokenizer(list(texts), padding=padding, truncation=True, max_length=window, return_tensors="pt")
    tokens.pop("token_type_ids", None)
    return tokens
