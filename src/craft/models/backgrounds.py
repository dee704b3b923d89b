"""Where a judge comes from: its family, the images that formed it, and who made it."""

from math import gcd
from typing import Literal

from pydantic import Field

from craft.core.settings import Name, Role, Strict


class Images(Strict):
    """Images that formed a model: all of a set, or one fold of its patients."""

    name: str = Field(description="name of the set")
    fold: int = Field(0, description="which fold")
    folds: int = Field(1, description="of how many")

    def overlap(self, other: "Images") -> bool:
        """Whether an image can be in both: a patient's hash has both remainders."""
        same = self.name.casefold() == other.name.casefold()
        return same and (self.fold - other.fold) % gcd(self.folds, other.folds) == 0

    def __str__(self) -> str:
        return self.name if self.folds == 1 else f"{self.name} (fold {self.fold} of {self.folds})"


class Background(Strict):
    """Where a judge comes from; what is unknown is null."""

    name: Name = Field(description="name of the evaluator or encoder")
    kind: Literal["evaluator", "encoder"] = Field(description="evaluator or encoder")
    role: Role = Field(description="its role in the run")
    family: str | None = Field(description="architecture")
    training_data: list[Images] | None = Field(description="images that formed it")
    origin: str | None = Field(description="who published it, or what it was initialised with")

    @property
    def unknown(self) -> list[str]:
        """Which of the three are unknown."""
        return [key for key in ("family", "training_data", "origin") if getattr(self, key) is None]
