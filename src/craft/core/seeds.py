"""Named seeds: every random draw says what it is for, and no two purposes share a stream."""

import hashlib


def derive_seed(*parts: str | int) -> int:
    """A 63-bit seed from the names and numbers that identify a random draw.

    >>> derive_seed("generate", "fundus", 0) == derive_seed("generate", "fundus", 0)
    True
    """
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def torch_generator(*parts: str | int):
    """A CPU `torch.Generator` seeded by name; CPU draws are the same on every device."""
    import torch

    return torch.Generator().manual_seed(derive_seed(*parts))


def numpy_generator(*parts: str | int):
    """A NumPy generator seeded by name."""
    import numpy as np

    return np.random.default_rng(derive_seed(*parts))
