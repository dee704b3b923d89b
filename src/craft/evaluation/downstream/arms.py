"""The arms of the downstream comparison: what a classifier is trained on, and which arms are compared.

The arms: real training images, a method's synthetic images, and both in several ratios. There is none of few real
images: the generators saw all of them, so that such an arm would be given by its synthetic images what it is meant to
lack.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from craft.core.settings import REAL


@dataclass(frozen=True)
class Arm:
    """What a classifier is trained on.

    Attributes:
        real: whether on the real training images.
        method: whose synthetic images are used, or None.
        ratio: how much synthetic images weigh for every real one.
    """

    real: bool = False
    method: str | None = None
    ratio: float = 1.0

    @property
    def name(self) -> str:
        """`real`, `craft`, `real+craft`, `real+craft@2`: only what differs is written."""
        synthetic = [] if not self.method else [self.method if self.ratio == 1 else f"{self.method}@{self.ratio:g}"]
        return "+".join([REAL] * self.real + synthetic)

    @classmethod
    def parse(cls, name: str) -> Self:
        """The arm of a name."""
        first, _, second = name.partition("+")
        method, _, ratio = (second if first == REAL else first).partition("@")
        return cls(first == REAL, method or None, float(ratio or 1))


def list_arms(methods: Iterable[str], ratios: Iterable[float]) -> Iterator[Arm]:
    """Real images, every method's, then both in every ratio."""
    methods = list(methods)
    yield Arm(real=True)
    yield from (Arm(method=method) for method in methods)
    yield from (Arm(True, method, ratio) for method in methods for ratio in ratios)


def list_pairs(arms: Iterable[str], methods: list[str], rewarded: list[str]) -> Iterator[tuple[str, str]]:
    """Which arms are compared, by name: what is looked at, then what it is held against.

    Every arm with synthetic images is held against real images alone, and one of a reward method against the same arm
    of every method without reward.

    Args:
        arms: names of the arms that there are.
        methods: of the run, in order.
        rewarded: those that were finetuned on a reward.
    """
    known = {name: Arm.parse(name) for name in arms}
    synthetic = {name: arm for name, arm in known.items() if arm.method}
    if REAL in known:
        yield from ((name, REAL) for name in synthetic)
    for name, arm in synthetic.items():
        if arm.method in rewarded:
            others = [replace(arm, method=method).name for method in methods if method not in rewarded]
            yield from ((name, other) for other in others if other in known)
