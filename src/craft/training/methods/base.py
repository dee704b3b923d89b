"""What every kind of method provides: its settings, what it needs, and how its adapter is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from craft.core.files import atomic_path, write_parquet
from craft.core.settings import Role, Strict
from craft.training.settings import Prompts, SamplingSettings

if TYPE_CHECKING:
    import pandas as pd

    from craft.models.foundation import Foundation
    from craft.training.settings import MethodJob


@dataclass(frozen=True)
class MethodFiles:
    """The files of one dataset from which an adapter is trained; those that a rule does not hand over are None."""

    images: Path
    latents: Path
    knowledge: Path
    features: Path | None = None
    calibration: Path | None = None
    start: Path | None = None

    def present(self) -> list[Path]:
        """The files that there are; what a training's identity depends on."""
        return [path for path in vars(self).values() if path is not None]


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        foundation: carries the trained adapter.
        history: one row for the start or for every step.
        pictures: the guard's pictures of its fixed noise, uint8 (images, 3, size, size), one tensor for every check.
        checks: images of the fixed noise at every check; None where there is no guard.
    """

    foundation: "Foundation"
    history: list[dict]
    pictures: list = field(default_factory=list)
    checks: "pd.DataFrame | None" = None

    def save(self, job: "MethodJob", adapter: Path, history: Path) -> None:
        """Write the history, and the adapter's folder with the settings that it was trained with."""
        import pandas as pd

        write_parquet(history, pd.DataFrame(self.history))
        with atomic_path(adapter) as folder:
            self.foundation.save_adapter(folder)
            job.save(folder / "settings.yaml")


class MethodSettings(Strict):
    """What every method has, whatever its kind; a kind's settings are a subclass that can train an adapter."""

    # the rule that trains the adapter; None where there is none to train
    rule: ClassVar[Literal["train_adapter", "finetune_reward"] | None] = None
    # roles of the evaluators that its training sees
    roles: ClassVar[tuple[Role, ...]] = ()
    # whether it is finetuned on a reward, which the tables compare with all methods that are not
    rewarded: ClassVar[bool] = False
    # whether the run samples its images from the foundation, image by image on the noise that all methods start from;
    # where it does not, `craft.training.methods.images` shows what a kind then provides
    sampled: ClassVar[bool] = True

    prompts: Prompts = Field("plain", description="plain: the label prompt; enriched: a description of the label")

    @property
    def parent(self) -> str | None:
        """The method from whose adapter this one starts; None where it starts from the foundation."""
        return None

    def check(self, name: str, methods: "Mapping[str, MethodSettings]", sampling: SamplingSettings) -> None:
        """Check what the settings of the run have to agree in.

        Raises:
            ValueError: one sentence that names the key below `methods`.
        """

    def modules(self) -> list[str]:
        """Modules and extension files that the training finds by name, beside that of the kind itself."""
        return []

    def train(self, job: "MethodJob", files: MethodFiles, checkpoints: Path, device: str) -> Trained:
        """Train the adapter, resuming from the checkpoints where there are some."""
        raise NotImplementedError
