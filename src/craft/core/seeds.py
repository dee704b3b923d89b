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


class Draws:
    """Seeded random numbers of one share of a batch.

    A batch may be divided among processes and among accumulated parts. Every share draws the numbers of the whole batch
    and keeps its own, so that the division changes no image's numbers.

    Args:
        parts: names and numbers that identify the draws.
        share: which share of the batch this is, counted from 0.
        shares: how many equal shares the batch has.
    """

    def __init__(self, *parts: str | int, share: int = 0, shares: int = 1):
        self.generator, self.share, self.shares = torch_generator(*parts), share, shares

    def normal(self, count: int, *shape: int):
        """Standard normal numbers, shape (count, *shape)."""
        import torch

        return self._own(torch.randn(count * self.shares, *shape, generator=self.generator))

    def uniform(self, count: int, *shape: int):
        """Numbers uniform in [0, 1), shape (count, *shape)."""
        import torch

        return self._own(torch.rand(count * self.shares, *shape, generator=self.generator))

    def integers(self, high: int, count: int):
        """Integers uniform in [0, high), shape (count,)."""
        import torch

        return self._own(torch.randint(high, (count * self.shares,), generator=self.generator))

    def common(self, high: int) -> int:
        """One integer in [0, high), the same for all shares."""
        import torch

        return int(torch.randint(high, (1,), generator=self.generator))

    def _own(self, numbers):
        return numbers.chunk(self.shares)[self.share]
