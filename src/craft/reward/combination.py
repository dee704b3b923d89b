"""How calibrated dimensions become CAS (`craft.reward.cas`); without torch, so that tables can be checked anywhere."""

from collections.abc import Sequence
from typing import TypeVar

from craft.reward.dimensions import DIMENSIONS, GATES

# tensors or arrays
Scores = TypeVar("Scores")


def is_gate(name: str) -> bool:
    """Whether a dimension multiplies CAS instead of being averaged into it."""
    return name in GATES or (DIMENSIONS.is_extension(name) and DIMENSIONS[name].gate)


def combine(dimensions: Scores, names: Sequence[str] | None = None) -> Scores:
    """CAS (...,) of calibrated dimensions (..., d), each in [0, 1]: the product of the gates and the others' mean.

    Args:
        dimensions: the scores.
        names: of the dimensions, in their order; without them, those of `DIMENSIONS`. Where no gate is among them the
            mean alone is CAS, where nothing else is the product.
    """
    gates = [is_gate(name) for name in (names or DIMENSIONS)]
    passed = dimensions[..., [index for index, gate in enumerate(gates) if gate]].prod(-1)
    judged = [index for index, gate in enumerate(gates) if not gate]
    return passed * dimensions[..., judged].mean(-1) if judged else passed


def plain_mean(dimensions: Scores) -> Scores:
    """The mean (...,) of all calibrated dimensions (..., d): no gate, so that one can stand in for another."""
    return dimensions.mean(-1)
