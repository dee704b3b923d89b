"""What the strongest baseline is: the one place that says so."""

from collections.abc import Mapping
from typing import Literal


def strongest(values: Mapping[str, float], best: Literal["highest", "lowest"]) -> str:
    """The baseline with the best value; of equal ones, the first.

    Args:
        values: of the methods that saw no reward, by name.
        best: whether more or less of the value is better.

    Raises:
        ValueError: if there is no baseline.
    """
    if not values:
        raise ValueError("there is no baseline to choose from")
    return (max if best == "highest" else min)(values, key=lambda method: values[method])
